/**
 * Metadata as lines for people: one a member, and of a table its rows below it.
 */
import * as Metadata from "./Metadata.ts"
import * as Report from "./Report.ts"
import type { Metadata as Recorded } from "./IoManager.ts"

/** One line a member, `name  value`; nothing is cut, for what matters may be at the end. */
export const toText = (metadata: Recorded, medium: Report.Medium): ReadonlyArray<string> => {
  const entries = Object.entries(metadata)
  const width = Math.max(0, ...entries.map(([name]) => name.length))
  return entries.flatMap(([name, member]) => {
    const value = Metadata.of(member)
    const below = value._tag === "Metadata.Table" ? rowsOf(value, medium).map((line) => `  ${line}`) : []
    return [`${medium.style.dim(name.padEnd(width))}  ${show(value)}`, ...below]
  })
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const show = (value: Metadata.Value): string => {
  switch (value._tag) {
    case "Metadata.Int":
      return Report.number(value.value)
    case "Metadata.Float":
      return String(value.value)
    case "Metadata.Text":
    case "Metadata.Url":
    case "Metadata.Markdown":
      return value.value.replaceAll(/\s*\n\s*/g, " ")
    case "Metadata.Json":
      return JSON.stringify(value.value)
    case "Metadata.Table":
      return Report.count(value.rows.length, "row")
    case "Metadata.Image":
      return "at" in value.source ? `${value.mime} ${value.source.at}` : `${value.mime}, ${bytes(value.source.base64)}`
  }
}

const bytes = (base64: string) => Report.count(Buffer.from(base64, "base64").length, "byte")

const rowsOf = ({ rows }: Metadata.Table, medium: Report.Medium): ReadonlyArray<string> => {
  const titles = Object.keys(rows[0] ?? {})
  const cells = rows.map((row) => titles.map((title) => cell(row[title])))
  return rows.length === 0
    ? []
    : Report.table(
        titles.map((title) => ({ title })),
        cells,
        medium
      )
}

const cell = (value: unknown): string =>
  value === undefined ? "" : typeof value === "string" ? value.replaceAll(/\s*\n\s*/g, " ") : JSON.stringify(value)
