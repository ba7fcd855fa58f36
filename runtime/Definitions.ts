/**
 * Everything a project declares: its assets, the resources they need, and the tables it brings along.
 */
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Asset from "./Asset.ts"
import * as AssetGraph from "./AssetGraph.ts"
import type { Versioned } from "./CodeManifest.ts"

const TypeId = "~assets/Definitions"

/** What is wrong with something a project relies on, and what to do about it, in words. */
export class DiagnosticFailed extends Schema.TaggedError<DiagnosticFailed>()("DiagnosticFailed", {
  problem: Schema.String,
  remedy: Schema.String
}) {
  override get message() {
    return this.problem
  }
}

/** What `assets doctor` asks about a project's surroundings; answers with what it found, such as an address. */
export interface Diagnostic<out R> {
  readonly name: string
  readonly run: Effect.Effect<string, DiagnosticFailed, R>
}

/** A command of the project's own; see `ProjectCommand`. */
export interface ProjectCommand {
  readonly name: string
  readonly description: string
  /** Imports what it takes and does. */
  readonly load: () => Promise<{ readonly default: unknown }>
}

/** `A`: the assets. `Provided`: services its resources give. `E`, `R`: what building them can fail with and needs. */
export interface Definitions<out A extends Asset.Any = Asset.Any, in Provided = never, out E = any, out R = any> {
  readonly [TypeId]: typeof TypeId
  readonly graph: AssetGraph.AssetGraph
  /** The declared assets, without what they depend on. */
  readonly assets: ReadonlyArray<A>
  readonly resources: Layer.Layer<Provided, E, R>
  readonly migrations: URL | undefined
  /** Where code versions are taken from when there is such a file; see `make`. */
  readonly codeVersions: URL | undefined
  /** They need what the resources give. */
  readonly diagnostics: ReadonlyArray<Diagnostic<any>>
  readonly commands: ReadonlyArray<ProjectCommand>
}

/** Services that a project's assets still need from whoever runs it. */
export type Requirements<D extends Definitions> =
  D extends Definitions<infer A, infer Provided, infer _E, infer R>
    ? Exclude<Asset.Needs<A>["services"], Provided> | R
    : never

/** Throws an `AssetGraph.DeclarationError` that names every mistake, its asset and its file. */
export const make = <const As extends ReadonlyArray<Asset.Any>, Provided = never, E = never, R = never>(options: {
  readonly assets: As
  /** Built when a run has steps, once a run. */
  readonly resources?: Layer.Layer<Provided, E, R>
  /** A folder of SQL files for the project's own tables; see `Migrations`. */
  readonly migrations?: URL
  /**
   * What `assets build` wrote, for a bundle that carries it: `new URL("./assets.manifest.json", import.meta.url)`. There
   * is none beside the sources, whose code versions are computed; of a bundle nothing is ever computed.
   */
  readonly codeVersions?: URL
  readonly diagnostics?: ReadonlyArray<Diagnostic<NoInfer<Provided>>>
  /** What `assets` can do in this project beside its own commands. */
  readonly commands?: ReadonlyArray<ProjectCommand>
}): Definitions<As[number], Provided, E, R> => ({
  [TypeId]: TypeId,
  graph: AssetGraph.make(options.assets),
  assets: options.assets,
  resources: options.resources ?? (Layer.empty as Layer.Layer<any>),
  migrations: options.migrations,
  codeVersions: options.codeVersions,
  diagnostics: options.diagnostics ?? [],
  commands: options.commands ?? []
})

/** With these code versions in force, by asset. */
export const withCodeVersions = <D extends Definitions>(self: D, versions: ReadonlyMap<string, Versioned>): D => ({
  ...self,
  graph: AssetGraph.withCodeVersions(self.graph, versions)
})

export const isDefinitions = (value: unknown): value is Definitions =>
  typeof value === "object" && value !== null && TypeId in value
