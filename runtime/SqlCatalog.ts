/**
 * The catalog as Postgres holds it: all of it in one query, or the states of some slices.
 *
 * A hundred thousand slices come as a few hundred rows whose columns are texts of many values, split when they are first
 * looked into. Row by row they took three times as long.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Catalog from "./Catalog.ts"
import type { Config, Provenance } from "./Event.ts"
import type { Metadata } from "./IoManager.ts"
import type * as Partition from "./Partition.ts"

/** Everything, in one query. */
export const read = (sql: SqlClient.SqlClient): Effect.Effect<Catalog.Catalog, SqlError> =>
  Effect.map(sql.unsafe<Chunk>(everything), toCatalog)

/** The states of these slices; of all slices of the asset where the partition is `null`. Without dynamic partitions. */
export const states = (
  sql: SqlClient.SqlClient,
  refs: ReadonlyArray<Partition.Ref>
): Effect.Effect<Catalog.Catalog, SqlError> =>
  sql<StateRow>`select s.*, s.changed_position::float8, s.verified_position::float8, s.rows::float8,
      (select v.provenance from assets.range_value v where v.position = s.verified_position) as shared_provenance,
      (select v.metadata from assets.range_value v where v.position = s.changed_position) as shared_metadata
    from json_to_recordset(${JSON.stringify(refs)}::text::json) r (asset text, partition text)
    cross join lateral (
      select * from assets.asset_state s where s.asset = r.asset and s.partition = r.partition
      union all
      select * from assets.asset_state s where s.asset = r.asset and r.partition is null
    ) s`.pipe(Effect.map((rows) => Catalog.fromStates(rows.map(toState))))

/** Between the values of a text of many, none of which has it: `SqlEventLog` writes it as another character. */
export const separator = "\u001e"

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Pages of a table that make one row: about 200 slices. More were not faster. */
const pages = 8

/**
 * Longer JSON that is not in those pages comes apart, so that no row outgrows the 16 MiB the driver takes. What is in
 * them can be a hundred times as long before it was compressed, which is 6 MB.
 */
const longest = 20_000

const hasToast = `(select pg_relation_size(reltoastrelid) > 0 from pg_class where oid = 'assets.asset_state'::regclass)`

const joined = (value: string) => `string_agg(${value}, u&'\\001e')`

// Most values were made without settings.
const settings = `case when bool_and(config::text = '{}') then '' else string_agg(config::text, ',') end`

const joinedJson = (column: string) =>
  `string_agg(case when octet_length(${column}::text) <= ${longest} or not ${hasToast} then ${column}::text else 'null' end, ',')`

// A subquery for a range of pages needs neither a sort nor a window, which took longer than all the rest. The pages are
// read a second time only where something may be long.
const everything = `
  select 'Slices' as kind, s.* from generate_series(0, pg_relation_size('assets.asset_state') / 8192, ${pages}) page
  cross join lateral (
    select ${joined("asset")} as asset, ${joined("partition")} as partition, ${joined("code_version")} as code_version,
      ${joined("data_version")} as data_version, ${joinedJson("provenance")} as provenance,
      ${joined("changed_position::text")} as changed_position, ${joined("verified_position::text")} as verified_position,
      ${joined("materialized_at")} as materialized_at, ${joined("verified_at")} as verified_at,
      ${joined("coalesce(rows::text, '')")} as rows, ${joinedJson("metadata")} as metadata,
      ${joined("run_id")} as run_id, ${joined("coalesce(trace_id, '')")} as trace_id, ${joined("coalesce(span_id, '')")} as span_id,
      ${settings} as config
    from assets.asset_state
    where ctid >= format('(%s,0)', page)::tid and ctid < format('(%s,0)', page + ${pages})::tid
  ) s where s.asset is not null
  union all
  select 'Long', asset, partition, null, null, provenance::text, null, null, null, null, null, metadata::text, null, null, null, null
  from assets.asset_state
  where ${hasToast}
    and (octet_length(provenance::text) > ${longest} or octet_length(metadata::text) > ${longest})
  union all
  select 'Range', asset, null, null, null, provenance::text, position::text, null, null, null, null, metadata::text, null, null, null, null
  from assets.range_value
  union all
  select 'Dynamic', name, string_agg(key, u&'\\001e' order by place), null, null, null, min(place)::text, null, null, null, null, null, null, null, null, null
  from assets.dynamic_partition group by name, place / 10000
  union all
  select 'Removed', event ->> 'name', k.keys, null, null, null, position::text, null, null, null, null, null, null, null, null, null
  from assets.event_log cross join lateral (
    select string_agg(key, u&'\\001e') as keys from jsonb_array_elements_text(event -> 'keys') key
  ) k where tag = 'PartitionsRemoved'`

/** A row of `everything`; the columns of `Slices`, and the keys of `Dynamic` and `Removed`, are texts of many values, or JSON of many. */
interface Chunk {
  readonly kind: "Slices" | "Long" | "Range" | "Dynamic" | "Removed"
  readonly asset: string
  readonly partition: string
  readonly code_version: string
  readonly data_version: string
  readonly provenance: string
  readonly changed_position: string
  readonly verified_position: string
  readonly materialized_at: string
  readonly verified_at: string
  readonly rows: string
  readonly metadata: string
  readonly run_id: string
  readonly trace_id: string
  readonly span_id: string
  readonly config: string
}

const toCatalog = (chunks: ReadonlyArray<Chunk>): Catalog.Catalog => {
  const apart: Apart = { long: new Map(), ranges: new Map() }
  const builder = new Catalog.Builder()
  const dynamic: Array<Chunk> = []
  const removed: Array<Chunk> = []
  for (const chunk of chunks) {
    if (chunk.kind === "Slices") {
      const columns = new Columns(chunk, apart)
      const assets = chunk.asset.split(separator)
      const partitions = chunk.partition.split(separator)
      for (let index = 0; index < assets.length; index++) {
        builder.set(new Slice(assets[index]!, toPartition(partitions[index]!), columns, index))
      }
    } else if (chunk.kind === "Dynamic") dynamic.push(chunk)
    else if (chunk.kind === "Removed") removed.push(chunk)
    else {
      const value = { provenance: JSON.parse(chunk.provenance), metadata: JSON.parse(chunk.metadata) }
      if (chunk.kind === "Range") apart.ranges.set(Number(chunk.changed_position), value)
      else apart.long.set(idOf(chunk.asset, toPartition(chunk.partition)), value)
    }
  }
  for (const { asset: name, partition } of dynamic.sort(inOrder)) builder.add(name, partition.split(separator))
  for (const { asset: name, changed_position, partition } of removed.sort(inOrder)) {
    builder.remove(name, partition.split(separator), Number(changed_position))
  }
  return builder.build()
}

const inOrder = (a: Chunk, b: Chunk) => Number(a.changed_position) - Number(b.changed_position)

/** What comes apart from the slices it belongs to: what is long by slice, and what slices share by position. */
interface Apart {
  readonly long: Map<string, Documents>
  readonly ranges: Map<number, Documents>
}

interface Documents {
  readonly provenance: Provenance
  readonly metadata: Metadata
}

/** A text of many values. */
class Column {
  private readonly text: string
  private values: ReadonlyArray<string> | undefined

  constructor(text: string) {
    this.text = text
  }

  at(index: number): string {
    return (this.values ??= this.text.split(separator))[index]!
  }
}

/** JSON of many values, parsed at once; `null` for one that comes apart. */
class JsonColumn<A> {
  private readonly text: string
  private values: ReadonlyArray<A | null> | undefined

  constructor(text: string) {
    this.text = text
  }

  at(index: number): A | null {
    return (this.values ??= JSON.parse(`[${this.text}]`) as ReadonlyArray<A | null>)[index]!
  }
}

/** The slices of one chunk. */
class Columns {
  readonly apart: Apart
  readonly codeVersion: Column
  readonly dataVersion: Column
  readonly provenance: JsonColumn<Provenance>
  readonly changedPosition: Column
  readonly verifiedPosition: Column
  readonly materializedAt: Column
  readonly verifiedAt: Column
  readonly rows: Column
  readonly metadata: JsonColumn<Metadata>
  readonly runId: Column
  readonly traceId: Column
  readonly spanId: Column
  readonly config: JsonColumn<Config> | undefined

  constructor(chunk: Chunk, apart: Apart) {
    this.apart = apart
    this.codeVersion = new Column(chunk.code_version)
    this.dataVersion = new Column(chunk.data_version)
    this.provenance = new JsonColumn(chunk.provenance)
    this.changedPosition = new Column(chunk.changed_position)
    this.verifiedPosition = new Column(chunk.verified_position)
    this.materializedAt = new Column(chunk.materialized_at)
    this.verifiedAt = new Column(chunk.verified_at)
    this.rows = new Column(chunk.rows)
    this.metadata = new JsonColumn(chunk.metadata)
    this.runId = new Column(chunk.run_id)
    this.traceId = new Column(chunk.trace_id)
    this.spanId = new Column(chunk.span_id)
    this.config = chunk.config === "" ? undefined : new JsonColumn(chunk.config)
  }
}

class Slice implements Catalog.AssetState {
  readonly asset: string
  readonly partition: Partition.Key
  private readonly columns: Columns
  private readonly index: number

  constructor(asset: string, partition: Partition.Key, columns: Columns, index: number) {
    this.asset = asset
    this.partition = partition
    this.columns = columns
    this.index = index
  }

  get codeVersion() {
    return this.columns.codeVersion.at(this.index)
  }
  get dataVersion() {
    return this.columns.dataVersion.at(this.index)
  }
  get provenance() {
    const own = this.columns.provenance.at(this.index) ?? this.long.provenance
    const { ranges } = this.columns.apart
    const shared = ranges.size === 0 ? undefined : ranges.get(this.verifiedPosition)?.provenance
    return shared === undefined ? own : added(shared, own)
  }
  get config(): Config {
    return this.columns.config?.at(this.index) ?? nothing
  }
  get changedPosition() {
    return Number(this.columns.changedPosition.at(this.index))
  }
  get verifiedPosition() {
    return Number(this.columns.verifiedPosition.at(this.index))
  }
  get materializedAt() {
    return this.columns.materializedAt.at(this.index)
  }
  get verifiedAt() {
    return this.columns.verifiedAt.at(this.index)
  }
  get rows() {
    const rows = this.columns.rows.at(this.index)
    return rows === "" ? null : Number(rows)
  }
  get metadata(): Metadata {
    return (
      this.columns.apart.ranges.get(this.changedPosition)?.metadata ??
      this.columns.metadata.at(this.index) ??
      this.long.metadata
    )
  }
  get runId() {
    return this.columns.runId.at(this.index)
  }
  get traceId() {
    return this.columns.traceId.at(this.index) || null
  }
  get spanId() {
    return this.columns.spanId.at(this.index) || null
  }

  private get long() {
    return this.columns.apart.long.get(idOf(this.asset, this.partition))!
  }
}

const idOf = (asset: string, partition: Partition.Key) => `${asset}${separator}${partition ?? ""}`

/** One object for all slices that have nothing of their own. */
const added = (shared: Provenance, own: Provenance): Provenance => {
  for (const _ in own) return { ...shared, ...own }
  return shared
}

const nothing = {}

const toPartition = (partition: string): Partition.Key => (partition === "" ? null : partition)

interface StateRow {
  readonly asset: string
  readonly partition: string
  readonly code_version: string
  readonly data_version: string
  readonly provenance: Provenance
  readonly shared_provenance: Provenance | null
  readonly config: Config
  readonly changed_position: number
  readonly verified_position: number
  readonly materialized_at: string
  readonly verified_at: string
  readonly rows: number | null
  readonly metadata: Metadata
  readonly shared_metadata: Metadata | null
  readonly run_id: string
  readonly trace_id: string | null
  readonly span_id: string | null
}

const toState = (row: StateRow): Catalog.AssetState => ({
  asset: row.asset,
  partition: toPartition(row.partition),
  codeVersion: row.code_version,
  dataVersion: row.data_version,
  provenance: row.shared_provenance === null ? row.provenance : added(row.shared_provenance, row.provenance),
  config: row.config,
  changedPosition: row.changed_position,
  verifiedPosition: row.verified_position,
  materializedAt: row.materialized_at,
  verifiedAt: row.verified_at,
  rows: row.rows,
  metadata: row.shared_metadata ?? row.metadata,
  runId: row.run_id,
  traceId: row.trace_id,
  spanId: row.span_id
})
