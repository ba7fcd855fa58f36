/**
 * The source that the project uses when `MUSIC_API_URL` is not set: a small synthetic world behind a real server in this process.
 *
 * `npm run source` serves the same world by default.
 */
import * as SourceServer from "./SourceServer.ts"
import * as SyntheticWorld from "./SyntheticWorld.ts"
import type { World } from "./World.ts"

/** Seed and size of the demo: enough users on the first day for neighbours to tell more than popularity does. */
export const defaults: SyntheticWorld.Options = { seed: 1, users: 1500, tracks: 400 }

export const world: World = SyntheticWorld.make(defaults)

/** Serves the demo world on a free loopback port until the scope closes; gives the base URL. */
export const start = SourceServer.start({ world, port: 0 })
