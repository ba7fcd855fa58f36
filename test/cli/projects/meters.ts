/**
 * A project of one January: what meters read each day, what was used, and a bill over all of it. Which days cannot be
 * read, or fail a check, and how long a day takes, is read from the environment.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Asset from "../../../runtime/Asset.ts"
import * as AssetCheck from "../../../runtime/AssetCheck.ts"
import * as Definitions from "../../../runtime/Definitions.ts"
import * as Json from "../../../runtime/Json.ts"
import * as Partition from "../../../runtime/Partition.ts"

const io = Json.make({ schema: Schema.Int })

const days = (name: string) => new Set((process.env[name] ?? "").split(" "))
const unread = days("METERS_UNREAD")
const doubtful = days("METERS_DOUBTFUL")

/** A day that is read for ever, until its process is stopped. */
const endless = process.env["METERS_ENDLESS"]

class MeterSilent extends Schema.TaggedError<MeterSilent>()("MeterSilent", {}) {
  override get message() {
    return "the meter does not answer"
  }
}

const partitions = Partition.daily({ start: "2026-01-01", end: "2026-02-01" })

const readings = Asset.make("readings", {
  io,
  codeVersion: process.env["METERS_CODE"] ?? "1",
  partitions,
  materialize: (_, { partition }) =>
    partition === endless
      ? Effect.never
      : unread.has(partition)
        ? Effect.fail(new MeterSilent())
        : Effect.succeed(Number(partition.slice(-2)) * (doubtful.has(partition) ? -1 : 1))
}).pipe(
  Asset.check("plausible", {
    blocking: true,
    run: (read) => Effect.succeed(read < 0 ? AssetCheck.fail(`the meter reads ${read}`) : AssetCheck.pass())
  })
)

const usage = Asset.make("usage", {
  io,
  codeVersion: "1",
  partitions,
  deps: { readings },
  materialize: ({ readings }) => Effect.succeed(readings * 2)
})

const bill = Asset.make("bill", {
  io,
  codeVersion: "1",
  deps: { usage },
  materialize: ({ usage }) => Effect.succeed(Array.from(usage.values()).reduce((sum, day) => sum + day, 0))
})

export default Definitions.make({ assets: [bill] })
