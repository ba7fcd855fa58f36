/**
 * What each command answers with `--json`, as programs may rely on it.
 */
import * as Schema from "effect/Schema"

const Iso = Schema.String.check(Schema.isPattern(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/))
const Hex = (digits: number) => Schema.String.check(Schema.isPattern(new RegExp(`^[0-9a-f]{${digits}}$`)))
const Status = Schema.Literals(["Missing", "Stale", "Maybe", "Current"])
const Tagged = Schema.Struct({ _tag: Schema.String })
const Slice = { asset: Schema.String, partition: Schema.NullOr(Schema.String) }
const Failure = Schema.Struct({ _tag: Schema.String, message: Schema.String })

export const List = Schema.Array(Schema.String)

const row = {
  ...Slice,
  status: Status,
  causes: Schema.Array(Tagged),
  codeVersion: Schema.String,
  dataVersion: Schema.NullOr(Schema.String),
  rows: Schema.NullOr(Schema.Int),
  materializedAt: Schema.NullOr(Iso),
  runId: Schema.NullOr(Schema.String),
  traceId: Schema.NullOr(Hex(32)),
  freshness: Schema.NullOr(Schema.Literals(["Fresh", "Overdue"]))
}

export const Statuses = Schema.Array(
  Schema.Struct({
    ...row,
    partitions: Schema.optionalKey(
      Schema.Struct({ Missing: Schema.Int, Stale: Schema.Int, Maybe: Schema.Int, Current: Schema.Int })
    )
  })
)

const planned = {
  certainty: Schema.Literals(["Certain", "Conditional"]),
  reasons: Schema.NonEmptyArray(Tagged),
  expectedSeconds: Schema.NullOr(Schema.Number)
}

export const Plan = Schema.Struct({
  steps: Schema.Array(Schema.Struct({ ...Slice, ...planned })),
  blocks: Schema.Array(
    Schema.Struct({
      asset: Schema.String,
      partitions: Schema.NullOr(Schema.String),
      count: Schema.Int,
      ...planned,
      startsAfterSeconds: Schema.NullOr(Schema.Number),
      endsAfterSeconds: Schema.NullOr(Schema.Number)
    })
  ),
  forecast: Schema.Struct({
    seconds: Schema.NullOr(Schema.Number),
    unknown: Schema.Int,
    conditionalSeconds: Schema.Number,
    concurrency: Schema.Int,
    criticalPath: Schema.Struct({ seconds: Schema.Number, assets: Schema.Array(Schema.String) })
  })
})

const run = {
  id: Schema.String,
  status: Schema.Literals(["Queued", "Running", "Succeeded", "Failed", "Canceled", "Interrupted"]),
  trigger: Schema.String,
  startedAt: Iso,
  endedAt: Schema.NullOr(Iso)
}

export const Runs = Schema.Array(Schema.Struct(run))

export const Run = Schema.Struct({
  ...run,
  traceId: Schema.NullOr(Hex(32)),
  steps: Schema.Array(
    Schema.Struct({
      ...Slice,
      status: Schema.String,
      attempts: Schema.Int,
      startedAt: Schema.NullOr(Iso),
      endedAt: Schema.NullOr(Iso),
      error: Schema.NullOr(Failure)
    })
  )
})

export const Graph = Schema.Struct({
  nodes: Schema.Array(
    Schema.Struct({
      key: Schema.String,
      kind: Schema.Literals(["table", "json", "blob"]),
      location: Schema.String,
      partitioned: Schema.Boolean,
      description: Schema.NullOr(Schema.String)
    })
  ),
  edges: Schema.Array(
    Schema.Struct({ from: Schema.String, to: Schema.String, kind: Schema.Literals(["reads", "after"]) })
  )
})

export const Why = Schema.Struct({ ...Slice, status: Status, causes: Schema.Array(Tagged) })

export const Checks = Schema.Struct({
  runId: Schema.NullOr(Schema.String),
  checks: Schema.Array(
    Schema.Struct({
      ...Slice,
      check: Schema.String,
      blocking: Schema.Boolean,
      passed: Schema.Boolean,
      reason: Schema.NullOr(Schema.String)
    })
  )
})

export const Wiped = Schema.Struct({ runId: Schema.NullOr(Schema.String), wiped: Schema.Array(Schema.Struct(Slice)) })

const applied = Schema.Array(Schema.Struct({ name: Schema.String, appliedAt: Iso }))

export const Migrations = Schema.Struct({ runtime: applied, project: applied })

export const Findings = Schema.Struct({
  findings: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      status: Schema.Literals(["ok", "problem"]),
      detail: Schema.String,
      remedy: Schema.NullOr(Schema.String)
    })
  )
})

/** What goes to stderr instead. */
export const Mistake = Failure

const event = { at: Iso, runId: Schema.NullOr(Schema.String) }
const step = { ...event, ...Slice }
const value = {
  ...step,
  dataVersion: Schema.String,
  rows: Schema.NullOr(Schema.Int),
  metadata: Schema.Record(Schema.String, Schema.Json)
}

/** One line of `materialize` and of `logs`. */
export const Event = Schema.TaggedUnion({
  RunStarted: event,
  StepStarted: step,
  StepRetried: step,
  AssetMaterialized: value,
  AssetVerified: value,
  StepCutOff: step,
  StepSkipped: { ...step, because: Schema.String },
  StepFailed: { ...step, error: Failure },
  CheckPassed: { ...step, check: Schema.String, blocking: Schema.Boolean },
  CheckFailed: {
    ...step,
    check: Schema.String,
    severity: Schema.Literals(["warn", "error"]),
    blocking: Schema.Boolean,
    accepted: Schema.Boolean
  },
  RunSucceeded: event,
  RunFailed: { ...event, error: Failure },
  RunCanceled: event
})
