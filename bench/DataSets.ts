/**
 * Real listening and rating data as listens, read where it lies and never copied; its terms are non-commercial.
 */
import * as Crypto from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Listens from "../assets/recommender/Listens.ts"

/** The data is not there, or not what the figures were measured on. */
export class DataSetError extends Data.TaggedError("DataSetError")<{
  readonly file: string
  readonly reason: "Unset" | "Unreadable" | "Different"
}> {
  override get message(): string {
    if (this.reason === "Unset") return `${this.file} is not read: set ASSETS_DATA_DIR to the folder that holds it.`
    return this.reason === "Unreadable"
      ? `${this.file} cannot be read.`
      : `${this.file} is not the published file: its sha256 differs.`
  }
}

/** Cantador, Brusilovsky and Kuflik, HetRec 2011: plays of artists by 1,892 users of Last.fm, without times. */
export const lastfm = Effect.flatMap(
  read("lastfm/user_artists.dat", "254272fa721c3935e8be286d28c051b206844307128698ab4eaa41d483379416"),
  (text) => {
    const rows = numbers(text, "\t")
    return Listens.fromColumns({
      users: column(rows, 0),
      tracks: column(rows, 1),
      days: new Float64Array(rows.length),
      weights: column(rows, 2).map((plays) => Math.max(plays, 1))
    })
  }
)

/** Harper and Konstan, ACM TiiS 5(4), 2015: MovieLens latest-small, each of its 100,836 ratings taken as a listen. */
export const movieLens = Effect.flatMap(
  read("ml-latest-small/ratings.csv", "62999d40ca377ca245df5d92f743d49e6193e5480f0a143a47f166f772f910ce"),
  (text) => {
    const rows = numbers(text, ",")
    return Listens.fromColumns({
      users: column(rows, 0),
      tracks: column(rows, 1),
      days: column(rows, 3).map((seconds) => seconds / 86_400),
      weights: new Float64Array(rows.length).fill(1)
    })
  }
)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

function read(file: string, sha256: string): Effect.Effect<string, DataSetError> {
  return Effect.gen(function* () {
    const folder = process.env["ASSETS_DATA_DIR"]
    if (folder === undefined) return yield* new DataSetError({ file, reason: "Unset" })
    const bytes = yield* Effect.tryPromise({
      try: () => Fs.readFile(Path.join(folder, file)),
      catch: () => new DataSetError({ file, reason: "Unreadable" })
    })
    const found = Crypto.createHash("sha256").update(bytes).digest("hex")
    return found === sha256 ? bytes.toString("utf8") : yield* new DataSetError({ file, reason: "Different" })
  })
}

/** The cells of a table without its header. */
const numbers = (text: string, separator: string): ReadonlyArray<ReadonlyArray<number>> =>
  text
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.split(separator).map(Number))

const column = (rows: ReadonlyArray<ReadonlyArray<number>>, index: number): Float64Array =>
  Float64Array.from(rows, (row) => row[index]!)
