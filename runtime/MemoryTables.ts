/**
 * Tables in this process, for tests and for pipelines that need no database: the same staging, digests, merges and
 * complaints as in PostgreSQL.
 *
 * It has no SQL: a `Table.query` is an error. Its digests are of its own kind.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import * as IoManager from "./IoManager.ts"
import type * as Partition from "./Partition.ts"
import * as RowCodec from "./RowCodec.ts"
import * as RowRule from "./RowRule.ts"
import * as Table from "./Table.ts"
import * as Version from "./Version.ts"

export const layer: Layer.Layer<Table.Tables> = Layer.sync(Table.Tables, () => {
  const tables = new Map<string, Rows>()
  return { store: <Row>(definition: Table.Definition) => makeStore<Row>(tables, definition) }
})

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** What was kept of a row under its columns' names. */
type Kept = Record<string, unknown>

interface Entry {
  readonly kept: Kept
  readonly removed: boolean
}

/** By the text of their keys. Never changed, only replaced: handles that were given out go on reading what they saw. */
type Rows = ReadonlyMap<string, Entry>

const makeStore = <Row>(tables: Map<string, Rows>, definition: Table.Definition): Table.Store<Row> => {
  const current = () => tables.get(definition.name) ?? new Map<string, Entry>()
  const live = (sources: ReadonlyArray<Partition.Ref>) => {
    const partitions = new Set(sources.map(({ partition }) => partition))
    const isRead = (kept: Kept) =>
      definition.partition === undefined || partitions.has(null) || partitions.has(kept[definition.partition] as string)
    return current()
      .values()
      .filter(({ kept, removed }) => !removed && isRead(kept))
      .map(({ kept }) => kept)
      .toArray()
  }
  const load = (sources: ReadonlyArray<IoManager.Source>, version: string) =>
    handle<Row>(definition, () => live(sources), version)

  return {
    stage: (to, input) =>
      Effect.gen(function* () {
        if (Table.isQuery(input)) return yield* invalid(definition, "a query needs PostgreSQL: use SqlTables.layer")
        const staged = yield* collect(definition, input, (kept) =>
          isOf(definition, kept, to.partition) ? undefined : `is not of the partition ${to.partition}`
        )
        const after = publishing(definition, current(), staged, to)
        const digest = digestOf(definition, after, to)
        const changes = changesOf(definition, current(), after, staged, to)
        const rows = staged.size
        const own = () => Array.from(staged.values())
        const all = () => Array.from(publishing(definition, current(), staged, to).values(), ({ kept }) => kept)
        const candidate = candidateOf<Row>(definition, own, digest, changes)
        const whole = to.partition === null ? candidate : candidateOf<Row>(definition, all, digest, changes)
        const publish = Effect.sync(
          () => void tables.set(definition.name, publishing(definition, current(), staged, to))
        )
        return { candidate, whole, digest, rows, metadata: { rows, ...changes }, publish }
      }),
    stageRange: (to, input) => stageRange(tables, definition, to, input),
    load: (source) => Effect.sync(() => load([source], source.version)),
    loadAll: (_, sources) =>
      Effect.sync(() =>
        load(sources, Version.ofPartitions(sources.map(({ partition, version }) => [partition ?? "", version])))
      ),
    published: (source) =>
      Effect.sync(() => {
        const rows = live([source]).length
        const changes = { before: rows, inserted: 0, updated: 0, unchanged: rows, removed: 0 }
        return candidateOf<Row>(definition, () => live([source]), source.version, changes)
      }),
    digest: (ref) => Effect.sync(() => (tables.has(definition.name) ? digestOf(definition, current(), ref) : null)),
    wipe: ({ partition }) =>
      Effect.sync(() => {
        if (!tables.has(definition.name)) return
        const wiped = Array.from(current()).flatMap(([key, entry]): Array<[string, Entry]> => {
          if (!isOf(definition, entry.kept, partition)) return [[key, entry]]
          return definition.publishes === "by merging" ? [[key, { ...entry, removed: true }]] : []
        })
        tables.set(definition.name, new Map(wiped))
      })
  }
}

const stageRange = Effect.fnUntraced(function* <Row, E>(
  tables: Map<string, Rows>,
  definition: Table.Definition,
  to: IoManager.RangeTarget,
  input: Table.Input<Row> | Stream.Stream<Row | Table.Restart, E>
) {
  const current = () => tables.get(definition.name) ?? new Map<string, Entry>()
  if (Table.isQuery(input)) return yield* invalid(definition, "a query needs PostgreSQL: use SqlTables.layer")
  const column = definition.partition!
  const asked = new Set(to.partitions)
  const staged = yield* collect(definition, input, (kept) =>
    asked.has(kept[column] as string) ? undefined : "is of no partition that was asked for"
  )
  const replace = (partitions: ReadonlySet<unknown>): Rows => {
    const isReplaced = (kept: Kept) => partitions.has(kept[column])
    const left = Array.from(current()).filter(([, { kept }]) => !isReplaced(kept))
    const added = Array.from(staged).filter(([, kept]) => isReplaced(kept))
    return new Map([...left, ...added.map(([key, kept]) => [key, { kept, removed: false }] as const)])
  }
  const after = replace(asked)
  const groups = Map.groupBy(staged, ([, kept]) => kept[column])
  const published = Map.groupBy(current().values(), ({ kept }) => kept[column])
  const digests = new Map<string, string>()
  const slices = to.partitions.map((partition) => {
    const own = (groups.get(partition) ?? []).map(([key, kept]) => [key, { kept, removed: false }] as const)
    const digest = digestOf(definition, new Map(own), { partition })
    digests.set(partition, digest)
    return { partition, digest, rows: own.length }
  })
  const before = current().size - (after.size - staged.size)
  const changes = replacing(staged.size, before)
  const version = Version.ofPartitions(slices.map(({ digest, partition }) => [partition, digest]))
  return {
    candidate: (partition: string) => {
      const own = (groups.get(partition) ?? []).map(([, kept]) => kept)
      const changes = replacing(own.length, published.get(partition)?.length ?? 0)
      return candidateOf<Row>(definition, () => own, digests.get(partition)!, changes)
    },
    whole: candidateOf<Row>(definition, () => Array.from(after.values(), ({ kept }) => kept), version, changes),
    slices,
    metadata: { rows: staged.size, ...changes },
    publish: (partitions: ReadonlyArray<string>) =>
      Effect.sync(() => void tables.set(definition.name, replace(new Set(partitions))))
  }
})

const handle = <Row>(
  definition: Table.Definition,
  kept: () => ReadonlyArray<Kept>,
  version: string
): Table.Handle<Row> => {
  const { asset, name } = definition
  const fail = (detail: string) => new IoManager.IoError({ asset, operation: "load", detail, retryable: false })
  const decode = RowCodec.decode<Row, IoManager.IoError>(definition, fail)
  return {
    name,
    table: Statement.fragment([Statement.identifier(name)]),
    version,
    rows: Stream.suspend(() => Stream.fromArrayEffect(decode(kept().toSorted(byKey(definition))))),
    count: Effect.sync(() => kept().length)
  }
}

const candidateOf = <Row>(
  definition: Table.Definition,
  kept: () => ReadonlyArray<Kept>,
  version: string,
  changes: Table.Changes
): Table.Candidate<Row> => {
  const rows = handle<Row>(definition, kept, version)
  return {
    ...rows,
    changes,
    key: definition.key,
    columns: definition.columns,
    find: (rule) => RowRule.findIn(rows.rows, rule),
    newest: (column) => RowRule.newestIn(rows.rows, column)
  }
}

const byKey =
  ({ key }: Table.Definition) =>
  (a: Kept, b: Kept): number => {
    for (const name of key) {
      const [one, other] = [a[name] as number | string, b[name] as number | string]
      if (one !== other) return one < other ? -1 : 1
    }
    return 0
  }

const invalid = ({ asset }: Table.Definition, detail: string) =>
  new IoManager.IoError({ asset, operation: "stage", detail, retryable: false })

const collect = Effect.fnUntraced(function* <E>(
  definition: Table.Definition,
  input: Iterable<unknown> | Stream.Stream<unknown, E>,
  strayed: (kept: Kept) => string | undefined
) {
  const staged = new Map<string, Kept>()
  const add = ({ columns, size }: RowCodec.Batch) => {
    for (let index = 0; index < size; index++) {
      const kept = Object.fromEntries(columns.map((values, at) => [definition.columns[at]!.name, values[index]]))
      const key = keyOf(definition, kept)
      const row = RowCodec.showKey(definition.key, kept)
      const why = strayed(kept)
      if (why !== undefined) return invalid(definition, `the row ${row} ${why}`)
      if (staged.has(key)) return invalid(definition, `two rows have one key: ${row}`)
      staged.set(key, kept)
    }
    return Effect.void
  }
  yield* RowCodec.encode(definition, input, (detail) => invalid(definition, detail)).pipe(
    Stream.runForEach((step) => (step._tag === "Batch" ? add(step) : Effect.sync(() => staged.clear())))
  )
  return staged
})

const isOf = ({ partition: column }: Table.Definition, kept: Kept, partition: Partition.Key) =>
  column === undefined || partition === null || kept[column] === partition

const keyOf = ({ key }: Table.Definition, kept: Kept) => JSON.stringify(key.map((name) => text(kept[name])))

/** What the table would be. */
const publishing = (
  definition: Table.Definition,
  before: Rows,
  staged: ReadonlyMap<string, Kept>,
  { partition }: Partition.Ref
): Rows => {
  const after = new Map<string, Entry>()
  for (const [key, { kept, removed }] of before) {
    if (definition.publishes === "by merging") after.set(key, { kept, removed: true })
    else if (!isOf(definition, kept, partition)) after.set(key, { kept, removed })
  }
  for (const [key, kept] of staged) after.set(key, { kept, removed: false })
  return after
}

const replacing = (rows: number, before: number): Table.Changes => ({
  before,
  inserted: rows,
  updated: 0,
  unchanged: 0,
  removed: before
})

const changesOf = (
  definition: Table.Definition,
  before: Rows,
  after: Rows,
  staged: ReadonlyMap<string, Kept>,
  { partition }: Partition.Ref
): Table.Changes => {
  const live = Array.from(before).filter(([, { kept, removed }]) => !removed && isOf(definition, kept, partition))
  if (definition.publishes === "by replacing") {
    return replacing(staged.size, live.length)
  }
  const kept = live.filter(([key]) => staged.has(key))
  const same = kept.filter(([key, entry]) => encoded(definition, entry) === encoded(definition, after.get(key)!)).length
  return {
    before: live.length,
    inserted: staged.size - kept.length,
    updated: kept.length - same,
    unchanged: same,
    removed: live.length - kept.length
  }
}

const digestOf = (definition: Table.Definition, rows: Rows, { partition }: Pick<Partition.Ref, "partition">) => {
  let sum = 0n
  let count = 0
  for (const entry of rows.values()) {
    if (!isOf(definition, entry.kept, partition)) continue
    sum += BigInt(`0x${Version.hash("row", [encoded(definition, entry)])}`)
    count += 1
  }
  const names = definition.columns.map(({ name }) => name)
  return Version.hash("memory table", [...names, String(count), BigInt.asUintN(128, sum).toString(16)])
}

const encoded = ({ columns }: Table.Definition, { kept, removed }: Entry) =>
  JSON.stringify([...columns.map(({ name }) => text(kept[name])), removed])

/** A value as a text that no other value of its column has; -0 as 0, as in PostgreSQL. */
const text = (value: unknown): string | null => {
  if (value === null) return null
  return typeof value === "object" ? Version.canonicalJson(value) : String(value)
}
