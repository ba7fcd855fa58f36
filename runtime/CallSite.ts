/**
 * Where a declaration stands: for messages about it, and for whoever reads its code.
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
  const others = frames.filter(({ scriptName }) => scriptName !== asker?.scriptName && !isOfNode(scriptName))
  return (others[0] ?? frames[0])?.scriptName ?? "unknown file"
}

/** The call of the framework and at most so many around it, outermost last; none in a bundle, where all is one file. */
export const callers = (most: number): ReadonlyArray<CallSite> => {
  const [, asker, ...frames] = Util.getCallSites(most + 8)
  const first = frames.findIndex(({ scriptName }) => scriptName !== asker?.scriptName)
  return (first === -1 ? [] : frames.slice(first, first + most))
    .filter(({ scriptName }) => !isOfNode(scriptName))
    .map(({ columnNumber, lineNumber, scriptName }) => ({ file: scriptName, line: lineNumber, column: columnNumber }))
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

const isOfNode = (file: string) => file.startsWith("node:")
