/**
 * Texts to expressions, or to the first mistake in them: one pass without recursion, in time linear in the text.
 *
 *     expression = expression "or" expression | expression "and" expression | "not" expression | reach
 *     reach      = [[levels] "+"] primary ["+" [levels]]
 *     primary    = key | attribute ":" value | "tag:" value ["=" value] | [function] "(" expression ")"
 *     key        = a word, with wildcards | a text in double quotes, where a backslash takes what follows as it is
 *     value      = the same, or "<null>"
 *
 * `not` holds its operand tighter than `and` its two, and that tighter than `or`. What they mean is said elsewhere.
 */
import * as Result from "effect/Result"
import { nearest, type Problem, SelectionError } from "./SelectionError.ts"
import * as Syntax from "./SelectionSyntax.ts"

export const parse = (text: string): Result.Result<Syntax.Expression, SelectionError> => {
  const parser = new Parser(text)
  while (parser.due !== "nothing") {
    const mistake = parser.due === "operand" ? parser.operand() : parser.continuation()
    if (mistake !== undefined) return Result.fail(mistake)
  }
  return Result.succeed({ text, terms: parser.terms })
}

// -----------------------------------------------------------------------------
// internal
// -----------------------------------------------------------------------------

/** What waits for its end: an operator for its right side, a parenthesis for the one that closes it. */
type Pending =
  | { readonly _tag: "Not" | "And" | "Or" }
  | {
      readonly _tag: "Open"
      readonly position: number
      readonly function: "Sinks" | "Roots" | undefined
      /** Levels that were asked for before it opened. */
      readonly up: number
    }

const strengths = { Open: 0, Or: 1, And: 2, Not: 3 } as const

const operands = ["an asset", "an attribute", "("]

const functions: ReadonlyMap<string, "Sinks" | "Roots"> = new Map([
  ["sinks", "Sinks"],
  ["roots", "Roots"]
])

/** By shunting yard (Dijkstra 1961). */
class Parser {
  readonly terms: Array<Syntax.Operand | Syntax.Operator> = []
  due: "operand" | "continuation" | "nothing" = "operand"
  /** What may follow the operand that was read last, beside operators. */
  private further: ReadonlyArray<string> = []
  private readonly pending: Array<Pending> = []
  private readonly scanner: Scanner

  constructor(text: string) {
    this.scanner = new Scanner(text)
  }

  /** `not`, an opening parenthesis, or a primary. */
  operand(): SelectionError | undefined {
    const { pending, scanner } = this
    const levels = scanner.take(signs.levels)
    const plus = scanner.take(signs.plus)
    if (levels !== undefined && plus === undefined) return scanner.unexpected(["+"])
    const up = plus === undefined ? 0 : levels === undefined ? Infinity : Number(levels)
    const start = scanner.next()
    if (scanner.take(signs.open) !== undefined) {
      pending.push({ _tag: "Open", position: start, function: undefined, up })
      return
    }
    if (plus === undefined && scanner.take(signs.not) !== undefined) {
      pending.push({ _tag: "Not" })
      return
    }
    const key = scanner.sees(signs.reserved) ? undefined : scanner.pattern(signs.word)
    if (key instanceof SelectionError) return key
    if (key === undefined) return scanner.unexpected(plus === undefined ? [...operands, "+", "not"] : operands)
    const word = scanner.since(start)
    if (word.startsWith('"')) return this.primary({ _tag: "Key", key, start, end: scanner.end }, up)
    if (scanner.take(signs.colon) !== undefined) return this.attribute(word, start, up)
    if (!scanner.sees(signs.open)) return this.primary({ _tag: "Key", key, start, end: scanner.end }, up)
    const found = functions.get(word)
    if (found === undefined) {
      const problem: Problem = { _tag: "UnknownFunction", function: word, known: Array.from(functions.keys()) }
      return scanner.mistake(start, problem)
    }
    const position = scanner.next()
    scanner.take(signs.open)
    pending.push({ _tag: "Open", position, function: found, up })
  }

  /** What may follow an operand: its end, that of the parentheses it is in, or another one. */
  continuation(): SelectionError | undefined {
    const { pending, scanner } = this
    const combination = scanner.take(signs.combination)
    if (combination !== undefined) {
      const operator = combination.toLowerCase() === "and" ? "And" : "Or"
      this.settle(strengths[operator])
      pending.push({ _tag: operator })
      this.due = "operand"
      return
    }
    // Above it stand at most an `or`, an `and` and the `not`s that were read since the last step here.
    const open = pending.findLast((waiting) => waiting._tag === "Open")
    if (open !== undefined && scanner.take(signs.close) !== undefined) {
      this.settle(strengths.Or)
      pending.pop()
      if (open.function !== undefined) this.terms.push({ _tag: open.function })
      return this.reach(open.up)
    }
    if (!scanner.sees(signs.end)) {
      return scanner.unexpected([...this.further, "and", "or", open === undefined ? "the end" : ")"])
    }
    if (open !== undefined) return scanner.mistake(open.position, { _tag: "Unclosed", missing: ")" })
    this.settle(strengths.Or)
    this.due = "nothing"
  }

  /** Operators that hold at least as tightly have what they operate on. */
  private settle(strength: number): void {
    for (;;) {
      const waiting = this.pending[this.pending.length - 1]
      if (waiting === undefined || waiting._tag === "Open" || strengths[waiting._tag] < strength) return
      this.terms.push({ _tag: waiting._tag })
      this.pending.pop()
    }
  }

  /** An operand that is whole but for the levels below it. */
  private primary(operand: Syntax.Operand, up: number): undefined {
    this.terms.push(operand)
    return this.reach(up)
  }

  private reach(up: number): undefined {
    const plus = this.scanner.take(signs.plus)
    const levels = plus && this.scanner.take(signs.levels)
    const down = plus === undefined ? 0 : levels === undefined ? Infinity : Number(levels)
    if (up > 0 || down > 0) this.terms.push({ _tag: "Reach", up, down })
    this.further = plus === undefined ? ["+"] : levels === undefined ? ["a number of levels"] : []
    this.due = "continuation"
  }

  private attribute(attribute: string, start: number, up: number): SelectionError | undefined {
    const { scanner } = this
    if (isOneOf(Syntax.fixedAttributes, attribute)) return this.fixed(attribute, start, up)
    if (!isOneOf(Syntax.openAttributes, attribute)) {
      const known = Syntax.attributes
      return scanner.mistake(start, {
        _tag: "UnknownAttribute",
        attribute,
        nearest: nearest(attribute, known),
        known
      })
    }
    const value = this.value()
    if (value instanceof SelectionError) return value
    if (attribute !== "tag") return this.primary({ _tag: "Has", attribute, value, start, end: scanner.end }, up)
    const valued = value !== null && scanner.take(signs.equal) !== undefined
    const second = valued ? this.value() : undefined
    if (second instanceof SelectionError) return second
    const end = scanner.end
    this.primary({ _tag: "Tag", name: value, value: second, start, end }, up)
    if (value !== null && !valued && this.further.length > 0) this.further = ["=", ...this.further]
  }

  private value(): Syntax.Pattern | null | SelectionError {
    if (this.scanner.take(signs.none) !== undefined) return null
    return this.scanner.pattern(signs.value) ?? this.scanner.unexpected(["a value", "<null>"])
  }

  private fixed(attribute: keyof Syntax.Vocabulary, start: number, up: number): SelectionError | undefined {
    const { scanner } = this
    const known = Syntax.vocabulary[attribute]
    const position = scanner.next()
    const pattern = scanner.pattern(signs.value)
    if (pattern instanceof SelectionError) return pattern
    if (pattern === undefined) return scanner.unexpected(known)
    const value = pattern.join("*").toLowerCase()
    if (!isOneOf(known, value)) {
      return scanner.mistake(position, { _tag: "UnknownValue", attribute, value: scanner.since(position), known })
    }
    return this.primary({ _tag: "Is", attribute, value, start, end: scanner.end } as Syntax.Is, up)
  }
}

const isOneOf = <A extends string>(all: ReadonlyArray<A>, text: string): text is A => all.some((one) => one === text)

// Names are read more widely than keys are declared, so that `Listen-History` is one unknown word with a suggestion.
const letters = "[\\p{L}\\p{N}_*./@-]"

const sign = (source: string, flags = "") => new RegExp(source, `uy${flags}`)

const signs = {
  levels: sign("\\d+"),
  plus: sign("\\+"),
  open: sign("\\("),
  close: sign("\\)"),
  colon: sign(":"),
  equal: sign("="),
  none: sign("<null>"),
  not: sign(`not(?!${letters})`, "i"),
  combination: sign(`(?:and|or)(?!${letters})`, "i"),
  reserved: sign(`(?:and|or|not)(?!${letters})`, "i"),
  word: sign(`${letters}+`),
  // Owners are `team:data`.
  value: sign(`(?:${letters}|:)+`),
  any: sign(`${letters}+|.`, "s"),
  blanks: sign("\\s*"),
  end: sign("$")
}

/** Takes what stands next in the text, blanks aside. */
class Scanner {
  /** Of what was taken last, exclusive. */
  end = 0
  private position = 0
  private readonly source: string

  constructor(source: string) {
    this.source = source
  }

  /** Where the next thing starts. */
  next(): number {
    signs.blanks.lastIndex = this.position
    signs.blanks.test(this.source)
    this.position = signs.blanks.lastIndex
    return this.position
  }

  sees(sign: RegExp): boolean {
    sign.lastIndex = this.next()
    return sign.test(this.source)
  }

  take(sign: RegExp): string | undefined {
    if (!this.sees(sign)) return undefined
    const start = this.position
    this.position = this.end = sign.lastIndex
    return this.source.slice(start, this.end)
  }

  since(start: number): string {
    return this.source.slice(start, this.end)
  }

  /** A word, or a text in quotes. */
  pattern(word: RegExp): Syntax.Pattern | SelectionError | undefined {
    const start = this.next()
    if (this.source[start] !== '"') return this.take(word)?.split("*") as [string, ...Array<string>] | undefined
    const parts: [string, ...Array<string>] = [""]
    for (let at = start + 1; at < this.source.length; at++) {
      const character = this.source[at]!
      if (character === '"') {
        this.position = this.end = at + 1
        return parts
      }
      if (character === "*") parts.push("")
      else if (character !== "\\") parts[parts.length - 1]! += character
      else if (++at < this.source.length) parts[parts.length - 1]! += this.source[at]!
    }
    return this.mistake(start, { _tag: "Unclosed", missing: '"' })
  }

  mistake(position: number, problem: Problem): SelectionError {
    return new SelectionError({ expression: this.source, position, problem })
  }

  unexpected(expected: ReadonlyArray<string>): SelectionError {
    const position = this.next()
    const found = this.take(signs.any) ?? ""
    return this.mistake(position, { _tag: "Unexpected", found, expected })
  }
}
