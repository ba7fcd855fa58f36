import { assert, describe, it } from "@effect/vitest"
import * as Parser from "rolldown/utils"
import * as CodeFile from "../../runtime/CodeFile.ts"
import * as CodeVersion from "../../runtime/CodeVersion.ts"

const read = (source: string): CodeFile.CodeFile => {
  const file = CodeFile.make(Parser, "file.ts", source)
  if ("message" in file) throw new Error(file.message)
  return file
}

/** The first declaration of a file, without where it stands. */
const first = (source: string) => {
  const { hash, refs } = Object.values(read(source).pieces)[0]!
  return { hash, refs }
}

describe("a piece of code", () => {
  it.each([
    ["(a: number, b = a) => a + b", "(b: string, a = b) => b + a"],
    ["({ a, ...rest }: Row) => [a, rest]", "({ a: c, ...others }) => [c, others]"],
    ["() => { try { f() } catch (error) { g(error) } }", "() => { try { f() } catch (cause) { g(cause) } }"],
    ["() => { if (f()) { var a = 1 } return a }", "() => { if (f()) { var b = 1 } return b }"],
    ["(a) => { { const a = 1; f(a) } return a }", "(a) => { { const b = 1; f(b) } return a }"],
    ["() => { for (const a of f()) g(a) }", "() => { for (let b of f()) g(b) }"],
    ["() => { for (let i = 0; i < 3; i++) f(i) }", "() => { for (let j = 0; j < 3; j++) f(j) }"],
    [
      "(a) => { switch (a) { case 1: const b = 2; return b } }",
      "(c) => { switch (c) { case 1: const d = 2; return d } }"
    ],
    ["function named(a) { return named(a) }", "function other(a) { return other(a) }"],
    ["() => { const f = 1; const g = () => f; return g }", "() => { const a = 1; const b = () => a; return b }"],
    ["class Named { a = Named }", "class Other { a = Other }"],
    ["(a) => `${a} of ${1_000}`", "(b) => `${b} of ${1000}`"],
    ["(a as Row)!.name satisfies string", "a.name"],
    ["<A,>(a: A): a is A => a.length", "(b) => b.length"],
    ["function (this: Row, a: number) { return a }", "function (b) { return b }"],
    ["{ 'a': 1, b: a }", '{ a: 1, "b": (a) }'],
    ["f<number>(1,)", "f(1)"],
    ["sql<Row>`select a -- one\n, ${b}`", "sql`\n  select a,${b}\n`"],
    [
      "class { declare a: string; private readonly b = 1; abstract c: number; f(): void; f(a?: 1) {} }",
      "class { b = 1; f(c) {} }"
    ]
  ])("is the same for %s and %s", (one, other) => {
    assert.deepStrictEqual(first(`export const it = ${one}`), first(`const it = ${other};`))
  })

  it.each([
    ["(a, b) => a - b", "(a, b) => b - a"],
    ["(a) => { { const a = 1; f(a) } return a }", "(a) => { { const b = 1; f(a) } return a }"],
    ["({ a, b }) => a", "({ a, b }) => b"],
    ["({ a }) => a", "({ b }) => b"],
    ["1", '"1"'],
    ["1n", "1"],
    ["/a/g", "/a/i"],
    ["f?.(a)", "f(a)"],
    ["a?.b", "a.b"],
    ["a[b]", "a.b"],
    ["[, a]", "[a]"],
    ["`a${b}`", "`${b}a`"],
    ["sql`select 'a  b'`", "sql`select 'a b'`"],
    ["sql`select ${a}, ${b}`", "sql`select ${b}, ${a}`"],
    ["html`a  b`", "html`a b`"],
    ["async () => 1", "() => 1"],
    ["function* () { yield* f() }", "function* () { yield f() }"],
    ["class { static a = 1 }", "class { a = 1 }"],
    ["class { #a = 1 }", "class { a = 1 }"],
    ["{ get a() { return 1 } }", "{ a() { return 1 } }"],
    ["-1", "+1"],
    ["'use'", '"used"'],
    ["new URL('./a.sql', import.meta.url)", "new URL('./b.sql', import.meta.url)"]
  ])("tells %s from %s", (one, other) => {
    assert.notDeepEqual(first(`const it = ${one}`), first(`const it = ${other}`))
  })

  it("refers to what it uses, and not to what a local hides", () => {
    const { refs } = read(`
      import * as Module from "./module.ts"
      import standard, { named as imported, type Type } from "package"
      import type { Other } from "./types.ts"
      const hidden = 1, seen = 2
      export const it = (hidden: Type): Other => {
        const { standard } = Module.deep.inside
        return imported(Module.function(hidden, seen), standard, import("./later.ts"), globalThis, Module)
      }
    `).pieces["it"]!
    assert.deepStrictEqual(refs, [
      ["Local", "it"],
      ["Import", "deep.inside", "./module.ts"],
      ["Import", "named", "package"],
      ["Import", "function", "./module.ts"],
      ["Local", "seen"],
      ["Import", "*", "./later.ts"],
      ["Import", "*", "./module.ts"]
    ])
  })

  it("takes along the statements that may change it, and no others", () => {
    const { pieces } = read(`
      const table = new Map(), list = [], count = { value: 0 }, other = 1
      table.set(1, 2)
      count.value++
      Object.freeze(list)
      console.log(other + 1)
      for (const key of [1, 2]) table.delete(key)
    `)
    const statements = Object.fromEntries(
      ["table", "list", "count", "other"].map((name) => [name, pieces[name]!.statements])
    )
    assert.deepStrictEqual(statements, { table: ["*0", "*4"], list: ["*2"], count: ["*1"], other: undefined })
  })

  it("is apart for each static member of a class that extends another", () => {
    const { pieces } = read(`
      class Service extends Tag() { static layer = make(this, this.other); static other = 1; method() { return 2 } }
      class Plain { static member = 1 }
    `)
    assert.deepStrictEqual(Object.keys(pieces), ["Service", "Service.layer", "Service.other", "Plain"])
    assert.sameDeepMembers(pieces["Service.layer"]!.refs.slice(), [
      ["Local", "Service"],
      ["Local", "Service.layer"],
      ["Local", "Service.other"]
    ])
  })

  it("knows what is exported under which name", () => {
    const { exports, stars } = read(`
      const a = 1
      export { a as b, type T }
      export { c as default } from "./c.ts"
      export * as d from "./d.ts"
      export * from "./e.ts"
      export const { f, g: [h] } = a
      export type { U } from "./u.ts"
      export interface V {}
    `)
    assert.deepStrictEqual(exports, {
      b: ["Local", "a"],
      default: ["Import", "c", "./c.ts"],
      d: ["Import", "*", "./d.ts"],
      f: ["Local", "f"],
      h: ["Local", "h"]
    })
    assert.deepStrictEqual(stars, ["./e.ts"])
  })

  it("says where a file is not TypeScript", () => {
    assert.deepInclude(CodeFile.make(Parser, "file.ts", "const a = 1\nconst  = 2"), { line: 2, column: 8 })
  })

  // When this fails, as it may with another parser, all code versions move: count the algorithm up.
  it("has the hash that belongs to the algorithm", () => {
    const source = `
      import * as Effect from "effect/Effect"
      const query = new URL("./query.sql", import.meta.url)
      export class Row<A> extends Map<string, A> { static of = <A>(a: A) => new Row([["a", a]]) }
      export const asset = Asset.make("asset", {
        materialize: ({ users }: Inputs, step) => Effect.gen(function* () {
          for (const user of users ?? []) if (user.id > 1n && /a+/.test(user.name)) yield* step.annotate({ [user.id]: \`\${query}\` })
          return await?.(async () => users!.length as number)
        })
      }).pipe(Asset.retry({ times: 3 }))
    `
    const { given, pieces } = read(source)
    const hashes = [...Object.values(pieces), ...Object.values(given)].map(({ hash }) => hash.slice(0, 8))
    assert.strictEqual(
      [CodeVersion.algorithm, ...hashes].join(" "),
      "2 963203bd cdb5e2eb 059c9c4a ad2d6822 09eb6116 a46a1824"
    )
  })
})
