import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as AssetGraph from "../../runtime/AssetGraph.ts"
import { Asset, Definitions, Json, Version } from "../../runtime/index.ts"

const number = (key: string, codeVersion?: string) =>
  Asset.make(key, {
    io: Json.make({ schema: Schema.Int }),
    ...(codeVersion === undefined ? {} : { codeVersion }),
    materialize: () => Effect.succeed(1)
  })

const versions = ({ graph }: Definitions.Definitions) =>
  Array.from(graph.nodes.values(), ({ codeVersion }) => codeVersion)

describe("an asset without a code version", () => {
  it("has one for as long as the process lives, until computed ones are put in place", () => {
    const definitions = Definitions.make({ assets: [number("computed"), number("explicit", "3")] })
    assert.deepStrictEqual(versions(definitions), [Version.inProcess, "3"])
    const version = Version.computed(1, ["code"])
    const versioned = Definitions.withCodeVersions(
      definitions,
      new Map([["computed", { version, manifest: undefined }]])
    )
    assert.deepStrictEqual(versions(versioned), [version, "3"])
    assert.deepStrictEqual(versions(definitions), [Version.inProcess, "3"])
  })

  it("is never mistaken for one that declares its own", () => {
    const version = Version.computed(1, ["code"])
    assert.throws(
      () => Definitions.make({ assets: [number("numbers", version)] }),
      AssetGraph.DeclarationError,
      version
    )
    assert.deepStrictEqual([version, "1", "1:2", Version.inProcess].map(Version.algorithmOf), [
      1,
      ...Array(3).fill(undefined)
    ])
    assert.isTrue(Version.isComputedOtherwise(version, Version.computed(2, ["code"])))
    assert.isFalse(Version.isComputedOtherwise(version, Version.computed(1, ["other"])))
    assert.isFalse(Version.isComputedOtherwise("1", version))
  })
})
