/**
 * Facts that people read about a value, each saying what it is: a count, a link, a table, an image.
 *
 * A typed value is JSON with a tag of its own. Plain JSON stays allowed beside it and is read by its form. How values
 * look in a terminal is told by `MetadataReport`.
 */
import type * as Schema from "effect/Schema"

// Type aliases, because an interface is no `Schema.Json`.
export type Int = { readonly _tag: "Metadata.Int"; readonly value: number }
/** JSON has no NaN and no infinities, so these are kept by name. */
export type Float = { readonly _tag: "Metadata.Float"; readonly value: number | "NaN" | "Infinity" | "-Infinity" }
export type Text = { readonly _tag: "Metadata.Text"; readonly value: string }
export type Url = { readonly _tag: "Metadata.Url"; readonly value: string }
export type Markdown = { readonly _tag: "Metadata.Markdown"; readonly value: string }
export type Json = { readonly _tag: "Metadata.Json"; readonly value: Schema.Json }
/** The first row names the columns; cells that it does not name are not shown. */
export type Table = { readonly _tag: "Metadata.Table"; readonly rows: ReadonlyArray<Row> }
export type Image = { readonly _tag: "Metadata.Image"; readonly mime: string; readonly source: ImageSource }

export type Row = { readonly [column: string]: Schema.Json }

/** The bytes themselves in base64, or where they are: a URL or a path. */
export type ImageSource = { readonly base64: string } | { readonly at: string }

export type Value = Int | Float | Text | Url | Markdown | Json | Table | Image

/** Throws a `RangeError` for what is not a safe integer. */
export const int = (value: number): Int => {
  if (!Number.isSafeInteger(value)) throw new RangeError(`Metadata.int: ${value} is not an integer; use Metadata.float`)
  return { _tag: "Metadata.Int", value }
}

export const float = (value: number): Float => ({
  _tag: "Metadata.Float",
  value: Number.isFinite(value) ? value : (String(value) as "NaN" | "Infinity" | "-Infinity")
})

export const text = (value: string): Text => ({ _tag: "Metadata.Text", value })

/** Throws a `TypeError` for what is not an absolute URL. */
export const url = (value: string | URL): Url => {
  if (!URL.canParse(String(value))) throw new TypeError(`Metadata.url: "${value}" is not an absolute URL`)
  return { _tag: "Metadata.Url", value: String(value) }
}

export const markdown = (value: string): Markdown => ({ _tag: "Metadata.Markdown", value })

export const json = (value: Schema.Json): Json => ({ _tag: "Metadata.Json", value })

export const table = (rows: ReadonlyArray<Row>): Table => ({ _tag: "Metadata.Table", rows })

/** Of bytes that are kept with the event, so a few kilobytes at most. */
export const image = (mime: string, bytes: Uint8Array): Image => ({
  _tag: "Metadata.Image",
  mime,
  source: { base64: Buffer.from(bytes).toString("base64") }
})

/** Of an image that is kept elsewhere, by its URL or path. */
export const imageAt = (mime: string, at: string): Image => ({ _tag: "Metadata.Image", mime, source: { at } })

/** What a member of recorded metadata is: as its tag says, or plain JSON by its form. */
export const of = (member: Schema.Json): Value => {
  if (isValue(member)) return member
  if (typeof member === "number") return Number.isSafeInteger(member) ? int(member) : float(member)
  return typeof member === "string" ? text(member) : json(member)
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const tags: ReadonlySet<unknown> = new Set<Value["_tag"]>([
  "Metadata.Int",
  "Metadata.Float",
  "Metadata.Text",
  "Metadata.Url",
  "Metadata.Markdown",
  "Metadata.Json",
  "Metadata.Table",
  "Metadata.Image"
])

// Only the constructors write these tags.
const isValue = (member: Schema.Json): member is Value =>
  typeof member === "object" && member !== null && "_tag" in member && tags.has(member._tag)
