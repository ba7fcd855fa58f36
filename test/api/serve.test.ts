import { describe, expect, it } from "@effect/vitest"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Path from "node:path"
import { afterAll, beforeAll } from "vitest"
import definitions from "../../assets/index.ts"
import * as TestDatabase from "../../runtime/TestDatabase.ts"
import * as Assets from "../cli/AssetsProcess.ts"
import { until } from "./Service.ts"

const scope = Scope.makeUnsafe()
let url: string

beforeAll(async () => {
  url = TestDatabase.toUrl(await Effect.runPromise(Scope.provide(TestDatabase.make(definitions), scope)))
}, 60_000)

afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const project = ["--definitions", Path.join(import.meta.dirname, "../../assets/index.ts")]
const start = (...args: ReadonlyArray<string>) => Assets.start([...args, ...project], { DATABASE_URL: url })
const run = (...args: ReadonlyArray<string>) => start(...args).finished

const serving = async (...args: ReadonlyArray<string>) => {
  const process = start("serve", "--port", "0", "--json", ...args)
  const [line] = await new Promise<ReadonlyArray<string>>((resolve) => {
    process.child.stdout!.once("data", (text: string) => resolve(text.split("\n")))
  })
  return { ...process, told: JSON.parse(line!) as { readonly url: string; readonly keys: number } }
}

const isFalse = () => false
const isTrue = () => true

describe("serve as a process", { timeout: 60_000 }, () => {
  it("lets nobody in from elsewhere before there is a key", async () => {
    expect(await run("serve", "--host", "0.0.0.0", "--port", "0")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("there is no key yet: npx assets key create NAME --scope read")
    })
  })

  it("answers until it is interrupted, and then ends with 130", async () => {
    const { child, finished, told } = await serving()
    expect(told.keys).toBe(0)
    expect((await fetch(`${told.url}/health`)).status).toBe(200)
    const taken = await run("serve", "--port", new URL(told.url).port)
    expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining("is in use on 127.0.0.1") })
    child.kill("SIGINT")
    expect(await finished).toMatchObject({ code: 130, stderr: "" })
  })

  it("answers what it was asked before it ends", async () => {
    const { child, finished, told } = await serving()
    await Effect.gen(function* () {
      const session = yield* PgConnection.make({ url: Redacted.make(url) })
      yield* session.query("begin")
      yield* session.query("lock table music.recommendations")
      const asked = fetch(`${told.url}/recommendations/1`)
      const waiting = Effect.map(
        session.query("select from pg_locks where relation = 'music.recommendations'::regclass and not granted"),
        ({ rows }) => rows.length > 0
      )
      yield* until(waiting)
      child.kill("SIGINT")
      yield* until(Effect.promise(() => fetch(told.url).then(isFalse, isTrue)))
      yield* session.query("rollback")
      expect((yield* Effect.promise(() => asked)).status).toBe(404)
    }).pipe(Effect.scoped, Effect.runPromise)
    expect(await finished).toMatchObject({ code: 130, stderr: "" })
  })

  it("goes by keys that are made and revoked by commands", async () => {
    const { id, key } = Assets.json(await run("key", "create", "the app", "--scope", "read", "--json"))
    const { child, finished, told } = await serving()
    const status = async (headers: Record<string, string>) =>
      (await fetch(`${told.url}/recommendations/1`, { headers })).status
    expect([await status({}), await status({ authorization: `Bearer ${key}` })]).toEqual([401, 404])
    child.kill("SIGTERM")
    await finished

    expect(Assets.json(await run("key", "list", "--json"))).toMatchObject([{ id, name: "the app", scopes: ["read"] }])
    expect((await run("key", "list")).stdout).toBe(`${id}  the app  read\n`)
    expect((await run("key", "revoke", id)).code).toBe(0)
    expect(await run("key", "revoke", id)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`no key in force has the id ${id}`)
    })
    expect((await run("key", "list")).stdout).toBe(`${id}  the app  read  revoked\n`)
  })

  it("says what is wrong with what it is asked", async () => {
    expect(await run("serve", "--port", "70000")).toMatchObject({ code: 2, stderr: expect.stringContaining("--port") })
    expect((await run("key", "create", "x", "--scope", "all")).code).toBe(2)
    expect((await run("key", "create", "x")).code).toBe(2)
    for (const name of ["", " ", "a\u001b[1mb"]) {
      expect((await run("key", "create", name, "--scope", "read")).stderr).toContain("1 to 100 characters")
    }
  })
})
