/**
 * Where a declaration stands: for messages about it, and for its code to be found.
 */
import * as Util from "node:util"

/** A call in source code; both from 1, `column` of the name that is called. */
export interface CallSite {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** The file that called the framework: the first that is not the asker's own; of a bundle, where all is one file, that. */
export const file = (): string => {
  const [, asker, ...frames] = Util.getCallSites(8)
  const others = frames.filter(({ scriptName }) => scriptName !== asker?.scriptName && !isNodes(scriptName))
  return (others[0] ?? frames[0])?.scriptName ?? "unknown file"
}

/** More calls around one that declares an asset are not looked at. */
export const most = 16

/** The calls that led to whoever asks, innermost first; none in a bundle, where all code is in one file. */
export const all = (): ReadonlyArray<CallSite> =>
  Util.getCallSites(most + 1)
    .filter(({ scriptName }) => scriptName !== import.meta.url && !isNodes(scriptName))
    .map(({ columnNumber, lineNumber, scriptName }) => ({ file: scriptName, line: lineNumber, column: columnNumber }))

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const isNodes = (scriptName: string) => scriptName === "" || scriptName.startsWith("node:")
