/** A project with a command of its own, which moves a pointer that is computed otherwise. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Asset, AssetCheck, Definitions } from "../../../runtime/index.ts"
import * as Json from "../../../runtime/Json.ts"

const io = Json.make({ schema: Schema.Int })

const newest = Asset.make("newest", {
  codeVersion: "1",
  io,
  materialize: () => Effect.succeed(Number(process.env["NEWEST"] ?? 1))
}).pipe(Asset.recheckAfter("1 day"))

export const pointer = Asset.make("pointer", {
  codeVersion: "1",
  io,
  deps: { newest },
  materialize: ({ newest }) => Effect.succeed(newest)
}).pipe(
  Asset.check("positive", {
    blocking: true,
    run: (value) => Effect.succeed(value > 0 ? AssetCheck.pass() : AssetCheck.fail(`${value} is not positive`))
  })
)

const served = Asset.make("served", {
  codeVersion: "1",
  io,
  deps: { pointer },
  materialize: ({ pointer }) => Effect.succeed(pointer * 10)
})

export default Definitions.make({
  assets: [served],
  commands: [
    { name: "point", description: "Move the pointer by hand", load: () => import("./point.ts") },
    { name: "broken", description: "Has no module", load: () => import("./warehouse.ts") }
  ]
})
