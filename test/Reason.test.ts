import { assert, describe, it } from "@effect/vitest"
import * as Reason from "../runtime/Reason.ts"

const changed = (...files: ReadonlyArray<string>) =>
  ({ _tag: "CodeChanged", from: "v1:old", to: "v1:new", files, packages: ["rates 1.0.0 → 1.1.0"] }) as const

describe("a change of code", () => {
  it("is told by the names of what changed, if they are few", () => {
    assert.strictEqual(Reason.show(changed("a.ts", "b.ts")), "code has changed: a.ts, b.ts, rates 1.0.0 → 1.1.0")
  })

  it("is told by the first of many names, and by all of them to whoever asks why", () => {
    const many = changed("a.ts", "b.ts", "c.ts", "d.ts")
    assert.strictEqual(Reason.show(many), "code has changed: a.ts, b.ts, c.ts and 2 more")
    assert.strictEqual(Reason.showCodeChange(many), "code has changed: a.ts, b.ts, c.ts, d.ts, rates 1.0.0 → 1.1.0")
  })
})
