/** A project that reads a table which somebody else fills; `WAREHOUSE` is its version. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Asset, Definitions } from "../../../runtime/index.ts"
import * as Json from "../../../runtime/Json.ts"

const io = Json.make({ schema: Schema.String })

const events = Asset.external("events", { description: "What the shop sold" }).pipe(
  Asset.observe(() => Effect.sync(() => process.env["WAREHOUSE"] ?? "1"))
)

const rates = Asset.external("rates")

const report = Asset.make("report", {
  io,
  codeVersion: "1",
  deps: { events, rates },
  materialize: ({ events, rates }) => Effect.succeed(`${events.version}, ${rates.version}`)
})

export default Definitions.make({ assets: [report] })
