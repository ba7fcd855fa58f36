/**
 * Identities of values: delimited, keyed encodings and their hashes.
 *
 * How a value of one kind becomes an encoding is its IO manager's business.
 */
import * as Crypto from "node:crypto"
import type * as Effect from "effect/Effect"

/**
 * How an asset's data version is found: by content (the IO manager's digest), anew with every run, or by a function
 * of the staged value.
 */
export type Policy<Candidate, E = never, R = never> =
  | { readonly _tag: "Content" }
  | { readonly _tag: "PerRun" }
  | { readonly _tag: "Custom"; readonly of: (candidate: Candidate) => Effect.Effect<string, E, R> }

export const content: Policy<unknown> = { _tag: "Content" }

/** For values that must always count as new. */
export const perRun: Policy<unknown> = { _tag: "PerRun" }

/** For values whose bytes differ where their meaning does not. */
export const custom = <Candidate, E, R>(
  of: (candidate: Candidate) => Effect.Effect<string, E, R>
): Policy<Candidate, E, R> => ({ _tag: "Custom", of })

/** sha256 of parts under a domain, each part preceded by its length so that no two lists of parts share an encoding. */
export const hash = (domain: string, parts: Iterable<string>): string => {
  const hasher = Crypto.createHash("sha256").update(`${domain}\n`)
  for (const part of parts) hasher.update(`${Buffer.byteLength(part)}:${part}`)
  return hasher.digest("hex").slice(0, 32)
}

/** The code version of whatever has none, explicit or computed: the code of one process does not change. */
export const inProcess = "in-process"

/** A code version that was computed; `algorithm` says how, so that versions of two algorithms are never compared. */
export const computed = (algorithm: number, parts: Iterable<string>): string => `${algorithm}:${hash("code", parts)}`

/** The algorithm of a computed code version; `undefined` for an explicit one. */
export const algorithmOf = (codeVersion: string): number | undefined => {
  const [, algorithm] = /^(\d+):[0-9a-f]{32}$/.exec(codeVersion) ?? []
  return algorithm === undefined ? undefined : Number(algorithm)
}

/** Whether two code versions say nothing about each other because they were computed in different ways. */
export const isComputedOtherwise = (from: string, to: string): boolean => {
  const [before, after] = [algorithmOf(from), algorithmOf(to)]
  return before !== undefined && after !== undefined && before !== after
}

/** One digest for many partitions, whatever their order. */
export const ofPartitions = (versions: Iterable<readonly [partition: string, dataVersion: string]>): string =>
  hash(
    "partitions",
    Array.from(versions)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .flat()
  )

/** JSON with object keys in code-unit order and no white space (RFC 8785 without its number rules, which JSON.stringify keeps). */
export const canonicalJson = (value: unknown): string => {
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null"
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(",")}}`
}
