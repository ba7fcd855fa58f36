/**
 * A terminal that a command writes over while it works: lines that stay, and below them a view that is redrawn.
 *
 * On anything but a terminal only the lines that stay are written.
 */
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Report from "./Report.ts"

export interface Screen {
  readonly medium: Report.Medium
  /** Writes lines above the view. */
  readonly print: (lines: ReadonlyArray<string>) => Effect.Effect<void>
  /** Replaces the view; its lines are clipped to the width. */
  readonly draw: (view: ReadonlyArray<string>) => Effect.Effect<void>
}

export const make = (medium: Report.Medium, write: (text: string) => Effect.Effect<void>): Screen => {
  let view: ReadonlyArray<string> = []
  // A window that was made narrower in between wraps lines that were counted as one; the next frame is whole again.
  const erase = () => (view.length === 0 ? "" : `\u001b[${view.length}A\u001b[0J`)
  const text = (lines: ReadonlyArray<string>) => lines.map((line) => `${line}\n`).join("")
  return {
    medium,
    print: (lines) =>
      lines.length === 0 ? Effect.void : Effect.suspend(() => write(erase() + text(lines) + text(view))),
    draw: (next) =>
      medium.animated
        ? Effect.suspend(() => {
            const clipped = next.map((line) => Report.clip(line, medium.columns))
            const drawn = erase() + text(clipped)
            view = clipped
            return drawn === "" ? Effect.void : write(drawn)
          })
        : Effect.void
  }
}

/** Shows how many of many things are done, once that takes a while. */
export const counting = (screen: Screen, what: string) =>
  Effect.map(Clock.currentTimeMillis, (startedAt) => {
    let drawnAt = startedAt
    return (done: number, all: number) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        if (now - drawnAt < 100) return Effect.void
        drawnAt = now
        const elapsed = Report.duration(now - startedAt)
        return screen.draw([`  ${Report.number(done)} of ${Report.number(all)} ${what}, ${elapsed}`])
      })
  })

/** Standard output. */
export const standard: Effect.Effect<Screen> = Effect.map(Report.medium, (medium) =>
  make(medium, (text) =>
    medium.animated ? Effect.sync(() => void process.stdout.write(text)) : Console.log(text.replace(/\n$/, ""))
  )
)
