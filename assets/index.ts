import { Definitions } from "../runtime/index.ts"
import { recommendations } from "./recommendations.ts"
import * as Source from "./source/Source.ts"

export default Definitions.make({
  assets: [recommendations],
  resources: Source.layer,
  migrations: new URL("../sql/music/migrations/", import.meta.url),
  diagnostics: [Source.diagnostic],
  commands: [
    { name: "serve", description: "Answer with recommendations over HTTP", load: () => import("./api/serve.ts") },
    {
      name: "key",
      description: "Make, list and revoke keys to what serve answers",
      load: () => import("./api/key.ts")
    },
    {
      name: "model",
      description: "List the models there are; promote one, or roll back to the one before",
      load: () => import("./registry/command.ts")
    },
    {
      name: "experiment",
      description: "List the experiments there are; tell what came of one",
      load: () => import("./experiments/command.ts")
    },
    { name: "erase", description: "Delete all there is of a user, for good", load: () => import("./api/erase.ts") }
  ]
})
