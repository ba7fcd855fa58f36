/**
 * The services a project brings along, built for one run and torn down after it.
 *
 * What the runtime itself brings along is in `Runtime`.
 */
import * as Config from "effect/Config"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Definitions from "./Definitions.ts"

/** A resource could not be built, so nothing was started. */
export class ResourcesUnavailable extends Schema.TaggedError<ResourcesUnavailable>()("ResourcesUnavailable", {
  detail: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    return `The project's resources could not be built: ${this.detail}`
  }
}

/** A setting that cannot be read stays the `ConfigError` it is: it is a mistake of whoever set it. */
export const build = (
  definitions: Definitions.Definitions
): Effect.Effect<Context.Context<never>, Config.ConfigError | ResourcesUnavailable, Scope.Scope> =>
  Layer.build(definitions.resources).pipe(
    Effect.mapError((cause) =>
      cause instanceof Config.ConfigError ? cause : new ResourcesUnavailable({ detail: messageOf(cause), cause })
    )
  )

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
