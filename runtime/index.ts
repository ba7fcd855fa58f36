// The order of this file is the architecture: a module imports only modules that stand above it.
//
// What declarations need is exported whole. The rest is exported as types, because whoever lists a project's assets must
// not wait for a database driver to load; its values come from the module itself, such as effect-assets/Executor.

// name
export * as AssetKey from "./AssetKey.ts"
export type * as TimeZone from "./TimeZone.ts"
export type * as Keys from "./Keys.ts"
export type * as TimeWindows from "./TimeWindows.ts"
export type * as KeyExpression from "./KeyExpression.ts"
export * as Partition from "./Partition.ts"
export type * as PartitionFit from "./PartitionFit.ts"
export type * as Mapping from "./Mapping.ts"
export * as Version from "./Version.ts"
export * as Reason from "./Reason.ts"

// declare
export * as IoManager from "./IoManager.ts"
export * as AssetCheck from "./AssetCheck.ts"
export * as Asset from "./Asset.ts"
export * as AssetGraph from "./AssetGraph.ts"
export * as Selection from "./Selection.ts"
export * as Definitions from "./Definitions.ts"

// record: what happened
export type * as Timestamp from "./Timestamp.ts"
export type * as Event from "./Event.ts"
export type * as Catalog from "./Catalog.ts"
export type * as Run from "./Run.ts"

// record: the database
export type * as FileLock from "./FileLock.ts"
export type * as Unprivileged from "./Unprivileged.ts"
export type * as PostgresSession from "./PostgresSession.ts"
export type * as Postmaster from "./Postmaster.ts"
export type * as EmbeddedPostgresError from "./EmbeddedPostgresError.ts"
export type * as PostgresBinaries from "./PostgresBinaries.ts"
export type * as EmbeddedPostgres from "./EmbeddedPostgres.ts"
export type * as Migrations from "./Migrations.ts"
export type * as SqlFailure from "./SqlFailure.ts"
export type * as Sql from "./Sql.ts"
export type * as EventLog from "./EventLog.ts"
export type * as SqlCatalog from "./SqlCatalog.ts"
export type * as SqlEventLog from "./SqlEventLog.ts"

// record: values
export type * as Quarantine from "./Quarantine.ts"
export type * as Column from "./Column.ts"
export type * as RowCodec from "./RowCodec.ts"
export * as Table from "./Table.ts"
export type * as TableFit from "./TableFit.ts"
export type * as TableStatements from "./TableStatements.ts"
export type * as SqlRows from "./SqlRows.ts"
export type * as SqlTables from "./SqlTables.ts"
export type * as MemoryTables from "./MemoryTables.ts"
export * as Json from "./Json.ts"
export type * as BlobFolder from "./BlobFolder.ts"
export * as Blob from "./Blob.ts"

// decide
export type * as Lineage from "./Lineage.ts"
export type * as Causes from "./Causes.ts"
export type * as VersionsInForce from "./VersionsInForce.ts"
export type * as Staleness from "./Staleness.ts"
export type * as PlanError from "./PlanError.ts"
export type * as Scope from "./Scope.ts"
export type * as PlanSteps from "./PlanSteps.ts"
export type * as LeftOut from "./LeftOut.ts"
export type * as Plan from "./Plan.ts"

// do
export type * as OtlpConfig from "./OtlpConfig.ts"
export type * as Otlp from "./Otlp.ts"
export type * as Telemetry from "./Telemetry.ts"
export type * as Resources from "./Resources.ts"
export type * as RunRecord from "./RunRecord.ts"
export type * as AttemptError from "./AttemptError.ts"
export type * as Retry from "./Retry.ts"
export type * as Attempt from "./Attempt.ts"
export type * as Gates from "./Gates.ts"
export type * as Workers from "./Workers.ts"
export type * as Step from "./Step.ts"
export type * as Executor from "./Executor.ts"
export type * as Runtime from "./Runtime.ts"

// tell
export type * as Report from "./Report.ts"
export type * as EventLine from "./EventLine.ts"
export * as ExitCode from "./ExitCode.ts"
export * as Project from "./Project.ts"
export type * as PlanReport from "./PlanReport.ts"
export type * as StatusReport from "./StatusReport.ts"
export type * as GraphReport from "./GraphReport.ts"
export type * as WhyReport from "./WhyReport.ts"
export type * as RunHistory from "./RunHistory.ts"
export type * as Invocation from "./Invocation.ts"
export type * as Questions from "./Questions.ts"
export type * as Progress from "./Progress.ts"
export type * as Screen from "./Screen.ts"
export type * as LiveRun from "./LiveRun.ts"
export type * as CheckRun from "./CheckRun.ts"
export type * as WipeRun from "./WipeRun.ts"
export type * as Doctor from "./Doctor.ts"
export type * as Actions from "./Actions.ts"
export * as Process from "./Process.ts"
export * as Cli from "./Cli.ts"

// test
export type * as Faults from "./Faults.ts"
export type * as RecordedSpans from "./RecordedSpans.ts"
export type * as RunReport from "./RunReport.ts"
export type * as TestDatabase from "./TestDatabase.ts"
export type * as Testing from "./Testing.ts"
