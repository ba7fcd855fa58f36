/**
 * SQL without what does not matter of it: comments, and white space outside of what is quoted.
 *
 * Reads tokens as PostgreSQL does; what they mean, and the case of their letters, is left as it is.
 */

/** Texts that come out equal are the same statements to PostgreSQL, if they are statements at all. */
export const canonical = (sql: string): string => {
  const out: Array<string> = []
  let gap = ""
  for (let at = 0; at < sql.length;) {
    token.lastIndex = at
    const { 0: text, groups } = token.exec(sql)!
    const { block, white } = groups!
    at = block === undefined ? at + text.length : endOfComment(sql, at)
    if (block !== undefined) gap += " "
    else if (white !== undefined) gap += white
    else {
      if (gap !== "") out.push(between(out.at(-1), gap, text))
      out.push(text)
      gap = ""
    }
  }
  return out.join("")
}

/** Of a template, whose values stand between its parts; left as it is where one of them stands in a comment. */
export const canonicalTemplate = (parts: ReadonlyArray<string>): ReadonlyArray<string> => {
  const found = canonical(parts.join(value)).split(value)
  return found.length === parts.length ? found : parts
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** No character of PostgreSQL's texts. */
const value = "\0"

// Letters beyond ASCII are part of names, and of a string with E so are strings on the lines that follow it.
const token = new RegExp(
  [
    String.raw`(?<white>(?:[ \t\n\r\f\v]+|--[^\n\r]*)+)`,
    String.raw`(?<block>\/\*)`,
    String.raw`[eE]'(?:[^'\\]|\\[^]|'(?:[ \t\f\v]*[\n\r][ \t\n\r\f\v]*)?')*(?:'|$)`,
    String.raw`'[^']*(?:'|$)`,
    String.raw`"[^"]*(?:"|$)`,
    String.raw`\$(?<tag>(?:[A-Za-z_\x80-\uffff][\w\x80-\uffff]*)?)\$[^]*?(?:\$\k<tag>\$|$)`,
    String.raw`[\w\x80-\uffff][\w$\x80-\uffff]*`,
    String.raw`[^]`
  ].join("|"),
  "y"
)

/** Comments in each other end one by one. */
const endOfComment = (sql: string, start: number): number => {
  const edge = /\/\*|\*\//g
  edge.lastIndex = start
  let depth = 0
  for (let found = edge.exec(sql); found !== null; found = edge.exec(sql)) {
    depth += found[0] === "/*" ? 1 : -1
    if (depth === 0) return edge.lastIndex
  }
  return sql.length
}

/** Two strings are one where a new line is between them. */
const between = (before: string | undefined, gap: string, after: string): string => {
  if (before === undefined || /^[(),;[\]]$/.test(before) || /^[(),;[\]]$/.test(after)) return ""
  return before.endsWith("'") && after.startsWith("'") && /[\n\r]/.test(gap) ? "\n" : " "
}
