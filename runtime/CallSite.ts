/**
 * Where a declaration stands, for messages about it.
 */
import * as Util from "node:util"

/** The file that called the framework: the first frame of whoever asks that is in another file than the asker. */
export const file = (): string => {
  const [, asker, ...callers] = Util.getCallSites(8)
  const caller = callers.find(({ scriptName }) => scriptName !== asker?.scriptName) ?? callers[0]
  return caller?.scriptName ?? "unknown file"
}
