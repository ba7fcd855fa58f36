/**
 * What an asset's functions closed over: the arguments of the factory, or the variables of the loop, that made it.
 *
 * JavaScript cannot ask that of a function, but V8's own inspector can, in this process and without a debugger.
 */
import * as Inspector from "node:inspector"
import * as Version from "./Version.ts"

/** By name: a value's encoding, or `undefined` for one that is not plain data or that no function closed over. */
export type Encoded = Readonly<Record<string, string | undefined>>

/** `keyOf` answers for what is an asset. */
export const of = (
  functions: ReadonlyArray<unknown>,
  names: ReadonlyArray<string>,
  keyOf: (value: object) => string | undefined
): Encoded => {
  const values = closedOver(functions, new Set(names))
  return Object.fromEntries(
    names.map((name) => {
      const plain = values.has(name) ? toPlain(values.get(name), keyOf, 0) : undefined
      return [name, plain === undefined ? undefined : Version.canonicalJson(plain)]
    })
  )
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Functions that are looked into: those of a body may be wrapped by others, such as by `Effect.fn`. */
const most = 64

const closedOver = (functions: ReadonlyArray<unknown>, names: ReadonlySet<string>): ReadonlyMap<string, unknown> => {
  const found = new Map<string, unknown>()
  const looked = new Set<unknown>(functions.filter((value) => typeof value === "function"))
  const session = new Inspector.Session()
  session.connect()
  try {
    for (const value of looked) {
      if (looked.size > most || found.size === names.size) break
      for (const scope of scopesOf(session, value)) {
        for (const [name, inside] of Object.entries(scope)) {
          if (names.has(name) && !found.has(name)) found.set(name, inside)
          if (typeof inside === "function") looked.add(inside)
        }
      }
    }
  } finally {
    session.disconnect()
  }
  return found
}

/** The variables around a function, innermost first, without those of its module. */
const scopesOf = (session: Inspector.Session, value: unknown): ReadonlyArray<Readonly<Record<string, unknown>>> => {
  const found: Array<Readonly<Record<string, unknown>>> = []
  // The only way in and out of an inspector is by name.
  const exchange = Symbol.for("~assets/CodeArguments")
  const globals = globalThis as unknown as { [exchange]?: unknown }
  globals[exchange] = value
  const expression = `globalThis[Symbol.for("~assets/CodeArguments")]`
  const id = post(session, "Runtime.evaluate", { expression }).result?.objectId
  const scopes = properties(session, id).internalProperties?.find(({ name }) => name === "[[Scopes]]")?.value
  for (const { value: scope } of properties(session, scopes?.objectId).result ?? []) {
    if (!/^(Closure|Block|Catch)/.test(scope?.description ?? "")) continue
    const functionDeclaration = `function () { ${expression} = this.object ?? this }`
    post(session, "Runtime.callFunctionOn", { objectId: scope!.objectId, functionDeclaration })
    found.push(globals[exchange] as Readonly<Record<string, unknown>>)
  }
  delete globals[exchange]
  return found
}

interface Remote {
  readonly objectId?: string
  readonly description?: string
}

interface Answer {
  readonly result?: Remote & Iterable<{ readonly name: string; readonly value?: Remote }>
  readonly internalProperties?: ReadonlyArray<{ readonly name: string; readonly value?: Remote }>
}

const properties = (
  session: Inspector.Session,
  objectId: string | undefined
): Partial<Answer> & { readonly result?: any } =>
  objectId === undefined ? {} : post(session, "Runtime.getProperties", { objectId, ownProperties: true })

/** Within one process an answer is there when the call returns. */
const post = (session: Inspector.Session, method: string, parameters: object): Answer => {
  let answer: Answer = {}
  session.post(method, parameters, (_, found) => void (answer = (found ?? {}) as Answer))
  return answer
}

const deepest = 16

/** JSON that tells values apart; `undefined` for what is not plain data. */
const toPlain = (value: unknown, keyOf: (value: object) => string | undefined, depth: number): unknown => {
  if (value === undefined) return { undefined: true }
  if (value === null || typeof value === "boolean" || typeof value === "string") return value
  if (typeof value === "number") return Number.isFinite(value) ? value : { number: String(value) }
  if (typeof value === "bigint") return { bigint: String(value) }
  if (typeof value !== "object" || depth > deepest) return undefined
  const key = keyOf(value)
  if (key !== undefined) return { asset: key }
  if (value instanceof Date) return { date: value.getTime() }
  if (value instanceof RegExp) return { pattern: String(value) }
  if (value instanceof Map || value instanceof Set) {
    const members = toPlain(Array.from<unknown>(value), keyOf, depth + 1)
    return members === undefined ? undefined : { members }
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return undefined
  const entries = Object.entries(value).map(([name, inside]) => [name, toPlain(inside, keyOf, depth + 1)] as const)
  if (entries.some(([, inside]) => inside === undefined)) return undefined
  return Array.isArray(value) ? entries.map(([, inside]) => inside) : { object: Object.fromEntries(entries) }
}
