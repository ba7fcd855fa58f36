/**
 * Text for people: tables, trees and quantities, for a terminal of any width, with color or without.
 *
 * Knows nothing of assets.
 */
import { displayWidth } from "effect/cli/CliOutput"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"

export type Paint = (text: string) => string

/** Emphasis; every member leaves a text's width as it is. */
export interface Style {
  readonly bold: Paint
  readonly dim: Paint
  readonly red: Paint
  readonly green: Paint
  readonly yellow: Paint
}

export const plain: Style = { bold: same, dim: same, red: same, green: same, yellow: same }

export const ansi: Style = { bold: sgr(1), dim: sgr(2), red: sgr(31), green: sgr(32), yellow: sgr(33) }

/** Where a report goes. `columns` is infinite for anything but a terminal. */
export interface Medium {
  readonly style: Style
  readonly columns: number
  /** Whether what was written can be written over. */
  readonly animated: boolean
}

/** Anything but a terminal. */
export const paper: Medium = { style: plain, columns: Infinity, animated: false }

/** Standard output as it is now: NO_COLOR, FORCE_COLOR and TERM count, and so does a window that was resized. */
export const medium: Effect.Effect<Medium> = Effect.map(
  TerminalCapabilities.TerminalCapabilities,
  ({ canAnimate, canColor }): Medium => ({
    style: canColor ? ansi : plain,
    columns: canAnimate && process.stdout.columns > 0 ? process.stdout.columns : Infinity,
    animated: canAnimate
  })
)

/** A table's column. The one that `gives` is shortened where a line would be too wide. */
export interface Column {
  readonly title: string
  readonly align?: "right"
  readonly gives?: true
  readonly paint?: (style: Style, text: string) => string
}

/** The titles, then one line a row. Columns without any text are left out, and so is a table of nothing else. */
export const table = (
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  { columns: room, style }: Medium
): ReadonlyArray<string> => {
  const shown = columns
    .map((column, index) => ({ ...column, cells: rows.map((row) => row[index] ?? "") }))
    .filter((column) => column.cells.some((cell) => cell !== ""))
    .map((column) => ({
      ...column,
      width: column.cells.reduce((width, cell) => Math.max(width, widthOf(cell)), widthOf(column.title))
    }))
  if (shown.length === 0) return []
  const excess = shown.reduce((total, column) => total + column.width + 2, -2) - room
  const fit = ({ gives, width }: { readonly gives?: true; readonly width: number }) =>
    gives && excess > 0 ? Math.max(10, width - excess) : width
  const line = (text: (column: (typeof shown)[number]) => string, paint: (column: Column, text: string) => string) =>
    shown
      .map((column) => {
        const width = fit(column)
        const cell = clip(text(column), width)
        const padding = " ".repeat(width - widthOf(cell))
        return column.align === "right" ? padding + paint(column, cell) : paint(column, cell) + padding
      })
      .join("  ")
      .trimEnd()
  return [
    line(
      (column) => column.title,
      (_, text) => style.dim(text)
    ),
    ...rows.map((_, row) =>
      line(
        (column) => column.cells[row]!,
        (column, text) => column.paint?.(style, text) ?? text
      )
    )
  ]
}

export interface Tree {
  readonly text: string
  readonly children: ReadonlyArray<Tree>
}

export const tree = ({ children, text }: Tree): ReadonlyArray<string> => [
  text,
  ...children.flatMap((child, index) => {
    const last = index === children.length - 1
    const [first, ...rest] = tree(child)
    return [`${last ? "└─ " : "├─ "}${first}`, ...rest.map((line) => (last ? "   " : "│  ") + line)]
  })
]

/** The start of a one-line text, with an ellipsis if that is not all of it. Must not hold escape sequences. */
export const clip = (text: string, width: number): string => {
  const line = text.replaceAll(/\s*\n\s*/g, " ")
  if (widthOf(line) <= width) return line
  const kept = Array.from(line)
  while (kept.length > 0 && displayWidth(kept.join("")) > width - 1) kept.length -= 1
  return `${kept.join("")}…`
}

/** `820 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`. */
export const duration = (millis: number): string => {
  if (millis < 1000) return `${Math.round(millis)} ms`
  if (millis < 60_000) return `${(millis / 1000).toFixed(1)} s`
  const [whole, part, big, small] = millis < 3_600_000 ? [60_000, 1000, "min", "s"] : [3_600_000, 60_000, "h", "min"]
  return `${Math.floor(millis / whole)} ${big} ${Math.floor((millis % whole) / part)} ${small}`
}

/** A duration that is only about right: `20 s` and `6 min` where `duration` says `20.0 s` and `6 min 0 s`. */
export const estimate = (millis: number): string =>
  duration(millis < 10_000 ? millis : Math.round(millis / 1000) * 1000).replace(/\.0(?= s$)| 0 (s|min)$/, "")

/** How long before `now` (milliseconds since the epoch) an ISO 8601 time was, in its largest unit. */
export const ago = (iso: string, now: number): string => {
  const seconds = Math.floor((now - Date.parse(iso)) / 1000)
  if (seconds < 1) return "just now"
  const [size, unit] = units.find(([size]) => seconds >= size)!
  return `${count(Math.floor(seconds / size), unit)} ago`
}

/** `1 row`, `1,000 rows`. */
export const count = (amount: number, noun: string): string =>
  `${number(amount)} ${amount === 1 ? noun : noun.endsWith("s") ? noun : `${noun}s`}`

export const number = (amount: number): string => amount.toLocaleString("en-US")

/** Versions are told apart by their first characters. */
export const version = (dataVersion: string): string => dataVersion.slice(0, 8)

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** Cells of a terminal. Telling graphemes apart is most of the time of a long table, and hardly any text needs it. */
const widthOf = (text: string): number => (/^[ -~]*$/.test(text) ? text.length : displayWidth(text))

const units = [
  [86_400, "day"],
  [3_600, "hour"],
  [60, "minute"],
  [1, "second"]
] as const

function same(text: string): string {
  return text
}

function sgr(code: number): Paint {
  return (text) => (text === "" ? "" : `\u001b[${code}m${text}\u001b[0m`)
}
