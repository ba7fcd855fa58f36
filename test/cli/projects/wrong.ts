/** Declarations with mistakes that types cannot see. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Asset from "../../../runtime/Asset.ts"
import * as Definitions from "../../../runtime/Definitions.ts"
import * as Json from "../../../runtime/Json.ts"

const io = Json.make({ schema: Schema.String })
const materialize = () => Effect.succeed("")

const wrong = Asset.make("Wrong", { io, codeVersion: "1", materialize })
const cron = Asset.make("cron", { io, codeVersion: "1", materialize }).pipe(Asset.recheckAfter({ cron: "whenever" }))

export default Definitions.make({ assets: [wrong, cron] })
