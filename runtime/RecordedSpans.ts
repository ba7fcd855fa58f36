/**
 * The spans of this process, kept to be looked at: a tracer for tests.
 *
 * Which spans a run has is decided by `Telemetry` and the modules that work.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

export interface Span {
  readonly name: string
  readonly kind: Tracer.SpanKind
  readonly traceId: string
  readonly spanId: string
  /** `null` for the root of a trace. */
  readonly parentId: string | null
  readonly attributes: Readonly<Record<string, unknown>>
  readonly events: ReadonlyArray<{ readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }>
  /** The recorded spans it links to, of this trace or another. */
  readonly links: ReadonlyArray<Span>
  readonly status: "Open" | "Succeeded" | "Failed" | "Interrupted"
}

export class RecordedSpans extends Context.Service<
  RecordedSpans,
  {
    /** In the order they started. */
    readonly all: Effect.Effect<ReadonlyArray<Span>>
  }
>()("assets/RecordedSpans") {}

/** Records every span that starts under this layer. */
export const layer: Layer.Layer<RecordedSpans> = Layer.effectContext(
  Effect.sync(() => {
    const recorded: Array<Tracer.NativeSpan> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        recorded.push(span)
        return span
      }
    })
    return Context.make(Tracer.Tracer, tracer).pipe(
      Context.add(RecordedSpans, { all: Effect.sync(() => snapshot(recorded)) })
    )
  })
)

/** Names, one a line, each indented below its parent; siblings in the order they started. */
export const tree = (spans: ReadonlyArray<Span>): string => {
  const known = new Set(spans.map(({ spanId }) => spanId))
  const lines = (parentId: string | null, depth: number): ReadonlyArray<string> =>
    spans
      .filter((span) =>
        parentId === null ? span.parentId === null || !known.has(span.parentId) : span.parentId === parentId
      )
      .flatMap((span) => ["  ".repeat(depth) + span.name, ...lines(span.spanId, depth + 1)])
  return lines(null, 0).join("\n")
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const snapshot = (recorded: ReadonlyArray<Tracer.NativeSpan>): ReadonlyArray<Span> => {
  const linked = new Map<Span, ReadonlyArray<Tracer.SpanLink>>()
  const byId = new Map<string, Span & { links: ReadonlyArray<Span> }>()
  for (const span of recorded) {
    const copy = {
      name: span.name,
      kind: span.kind,
      traceId: span.traceId,
      spanId: span.spanId,
      parentId: Option.match(span.parent, { onNone: () => null, onSome: (parent) => parent.spanId }),
      attributes: Object.fromEntries(span.attributes),
      events: span.events.map(([name, , attributes]) => ({ name, attributes })),
      links: [],
      status: statusOf(span.status)
    }
    byId.set(copy.spanId, copy)
    linked.set(copy, span.links)
  }
  for (const copy of byId.values()) {
    copy.links = linked.get(copy)!.flatMap(({ span }) => byId.get(span.spanId) ?? [])
  }
  return Array.from(byId.values())
}

const statusOf = (status: Tracer.SpanStatus): Span["status"] =>
  status._tag === "Started"
    ? "Open"
    : Exit.match(status.exit, {
        onSuccess: () => "Succeeded" as const,
        onFailure: () => (Exit.hasInterrupts(status.exit) ? ("Interrupted" as const) : ("Failed" as const))
      })
