/** Two assets that took the same key. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Asset from "../../../runtime/Asset.ts"
import * as Definitions from "../../../runtime/Definitions.ts"
import * as Json from "../../../runtime/Json.ts"

const io = Json.make({ schema: Schema.Number })

const one = Asset.make("prices", { io, codeVersion: "1", materialize: () => Effect.succeed(1) })
const other = Asset.make("prices", { io, codeVersion: "1", materialize: () => Effect.succeed(2) })

export default Definitions.make({ assets: [one, other] })
