/**
 * What the standard OpenTelemetry variables ask for, where each signal goes and how patiently, with our defaults.
 * Headers, compression and certificates are left to the exporters, which read their variables themselves.
 */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

export const signals = ["traces", "metrics", "logs"] as const
export type Signal = (typeof signals)[number]

export interface Destination {
  readonly url: string
  /** `OTEL_EXPORTER_OTLP_TIMEOUT`, for one try and those that follow it. Also for each signal. */
  readonly timeoutMillis: number
}

export interface OtlpConfig {
  /** `OTEL_EXPORTER_OTLP_ENDPOINT`, or one for each signal. A signal without one is not exported. */
  readonly destinations: { readonly [signal in Signal]?: Destination }
  /** Absent when `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` names the service: the SDK reads them itself. */
  readonly serviceName: string | undefined
  /** `ASSETS_TELEMETRY_SHUTDOWN`: how long the end of a program may wait for what is still to be sent. */
  readonly shutdownTimeout: Duration.Duration
  /** `OTEL_BSP_MAX_QUEUE_SIZE`: spans that wait to be sent; those that come when it is full are dropped. */
  readonly maxQueueSize: number
  /** `OTEL_METRIC_EXPORT_INTERVAL`. */
  readonly exportIntervalMillis: number
}

/** Nothing when `OTEL_SDK_DISABLED` is true, no endpoint is set, or none is an http or https URL (with a warning). */
export const load: Effect.Effect<OtlpConfig | undefined, Config.ConfigError> = Effect.gen(function* () {
  if ((yield* text("OTEL_SDK_DISABLED")).toLowerCase() === "true") return undefined
  const destinations = yield* loadDestinations()
  if (Object.keys(destinations).length === 0) return undefined
  const serviceName = yield* text("OTEL_SERVICE_NAME")
  const attributes = yield* text("OTEL_RESOURCE_ATTRIBUTES")
  return {
    destinations,
    serviceName: serviceName !== "" || /(^|,)\s*service\.name\s*=/.test(attributes) ? undefined : "assets",
    shutdownTimeout: yield* Config.Duration("ASSETS_TELEMETRY_SHUTDOWN").pipe(Config.withDefault(Duration.millis(500))),
    maxQueueSize: yield* int("OTEL_BSP_MAX_QUEUE_SIZE", 8_192),
    exportIntervalMillis: yield* int("OTEL_METRIC_EXPORT_INTERVAL", 10_000)
  }
})

// internal

const loadDestinations = Effect.fnUntraced(function* () {
  const destinations: { [signal in Signal]?: Destination } = {}
  const unusable: Array<string> = []
  const base = yield* text("OTEL_EXPORTER_OTLP_ENDPOINT")
  // The SDK's default is 10 s. With this it tries at most twice, so that its timers do not keep a finished process alive.
  const timeout = yield* int("OTEL_EXPORTER_OTLP_TIMEOUT", 2_000)
  for (const signal of signals) {
    const name = signal.toUpperCase()
    const own = yield* text(`OTEL_EXPORTER_OTLP_${name}_ENDPOINT`)
    const url = own !== "" || base === "" ? own : `${base.replace(/\/$/, "")}/v1/${signal}`
    if (url === "" || (yield* text(`OTEL_${name}_EXPORTER`)) === "none") continue
    const timeoutMillis = yield* int(`OTEL_EXPORTER_OTLP_${name}_TIMEOUT`, timeout)
    if (/^https?:$/.test(URL.parse(url)?.protocol ?? "")) destinations[signal] = { url, timeoutMillis }
    else unusable.push(`${signal} (${url})`)
  }
  if (unusable.length > 0) yield* Effect.logWarning(`Telemetry needs an http or https URL for ${unusable.join(", ")}`)
  return destinations
})

// The OpenTelemetry specification treats an empty variable as unset.
const text = (name: string) => Config.String(name).pipe(Config.withDefault(""))

const int = Effect.fnUntraced(function* (name: string, otherwise: number) {
  return (yield* text(name)) === "" ? otherwise : yield* Config.Int(name)
})
