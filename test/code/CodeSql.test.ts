import { assert, describe, it } from "@effect/vitest"
import * as CodeSql from "../../runtime/CodeSql.ts"

describe("SQL in canonical form", () => {
  it.each<[what: string, one: string, other: string]>([
    ["a comment to the end of the line", "select 1 -- one\nfrom t", "select 1 from t"],
    ["a comment at the very end", "select 1 -- one", "select 1"],
    ["a comment in the place of white space", "select/* one */1", "select 1"],
    ["comments in each other", "select /* a /* b */ -- c */ 1", "select 1"],
    ["a comment that never ends", "select 1 /* one", "select 1"],
    ["a quote in a comment", "select 1 -- it's\n, 'a'", "select 1, 'a'"],
    ["a comment that begins in an operator", "select 1 <-- less\n2", "select 1 < 2"],
    ["white space", "\tselect  1\r\n  from\ft\n", "select 1 from t"],
    ["white space beside brackets and commas", "select f ( a , b [ 1 ] ) ;", "select f(a,b[1]);"],
    ["white space between strings of one line", "select 'a'   'b'", "select 'a' 'b'"],
    ["lines between strings", "select 'a'\n\n  -- more\n  'b'", "select 'a'\n'b'"],
    ["white space around what is quoted", `select  'a  b' ,  "c  d"`, `select 'a  b',"c  d"`],
    ["a name with a dollar", "select a$b$  c$b$ -- one", "select a$b$ c$b$"],
    ["parameters", "select $1 /* one */ , $2", "select $1,$2"]
  ])("is the same with and without %s", (_, one, other) => {
    assert.strictEqual(CodeSql.canonical(one), CodeSql.canonical(other))
  })

  it.each<[what: string, one: string, other: string]>([
    ["in a string", "select 'a  b'", "select 'a b'"],
    ["in a string with a quote", "select 'it''s -- a'", "select 'it''s -- b'"],
    ["in a string that ends with a backslash", String.raw`select 'a\' -- 'b'`, String.raw`select 'a\' , 'b'`],
    ["in a string with escapes", String.raw`select E'a\' -- b'`, String.raw`select E'a\' -- c'`],
    ["in a string with escapes and quotes", String.raw`select e'a''\'  b'`, String.raw`select e'a''\' b'`],
    [
      "in a string with escapes that goes on",
      String.raw`select e'a'` + "\n" + String.raw`'b\'  c'`,
      String.raw`select e'a'` + "\n" + String.raw`'b\' c'`
    ],
    [
      "in a string after a name that ends with e",
      String.raw`select date'\' ,'a  b'`,
      String.raw`select date'\' ,'a b'`
    ],
    ["in a quoted name", `select "a  b"`, `select "a b"`],
    ["in a quoted name with a quote", `select "a""--b"`, `select "a""--c"`],
    ["between dollars", "do $$ a  -- b\n$$", "do $$ a  -- c\n$$"],
    ["between dollars with a tag", "do $é$ a $$ -- b\n$é$", "do $é$ a $$ -- c\n$é$"],
    ["between dollars after an operator", "select 1+$a$ /* b */ $a$", "select 1+$a$ /* c */ $a$"],
    ["of words", "select ab", "select a b"],
    ["of operators", "select 1 - -1", "select 1 --1"],
    ["of operators and signs", "select a = -1", "select a =- 1"],
    ["of lines between strings", "select 'a'\n'b'", "select 'a' 'b'"],
    ["of letters", "select A", "select a"]
  ])("tells what differs %s", (_, one, other) => {
    assert.notStrictEqual(CodeSql.canonical(one), CodeSql.canonical(other))
  })

  it("stays as it is when it is made canonical again", () => {
    const text = "select f ( 'a' \n 'b' ) -- c\n , $a$ -- d\n$a$ /* e */ as g ;\n"
    const once = CodeSql.canonical(text)
    assert.strictEqual(once, "select f('a'\n'b'),$a$ -- d\n$a$ as g;")
    assert.strictEqual(CodeSql.canonical(once), once)
  })

  it("keeps the values of a template apart, and leaves alone one with a value in a comment", () => {
    assert.deepStrictEqual(CodeSql.canonicalTemplate(["select ", "  -- one\n, '", "  '"]), ["select ", ",'", "  '"])
    assert.deepStrictEqual(CodeSql.canonicalTemplate(["select 1  -- ", "\n"]), ["select 1  -- ", "\n"])
  })
})
