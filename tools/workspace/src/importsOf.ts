/** A module that a source text asks for, and the line on which it does. */
export interface Import {
  readonly specifier: string
  readonly line: number
}

interface Token {
  readonly kind: "word" | "string" | "mark"
  readonly text: string
  readonly line: number
}

/** Words after which a slash begins a regular expression, not a division. */
const beforeExpression = new Set([
  "return",
  "typeof",
  "case",
  "in",
  "of",
  "do",
  "else",
  "void",
  "delete",
  "throw",
  "await",
  "yield"
])

/**
 * All modules named by a TypeScript or JavaScript text: `import … from`, `import "…"`, `export … from`, `import("…")` (also as a
 * type), `require("…")` and `import.meta.resolve("…")`. What stands in comments, strings and the text of templates isn't an import.
 *
 * @param source the text of one file
 * @returns the imports in order of appearance, with lines counted from 1
 */
export const importsOf = (source: string): ReadonlyArray<Import> => {
  const tokens = tokensOf(source)
  return tokens.flatMap((token, i) => {
    if (token.kind !== "word" || tokens[i - 1]?.text === ".") return []
    const found = token.text === "import"
      ? (called(tokens, i + 1) ?? resolved(tokens, i + 1) ?? from(tokens, i + 1))
      : token.text === "export"
      ? exportedFrom(tokens, i + 1)
      : token.text === "require"
      ? called(tokens, i + 1)
      : undefined
    return found === undefined ? [] : [{ specifier: found.text, line: found.line }]
  })
}

const string = (token: Token | undefined): Token | undefined => (token?.kind === "string" ? token : undefined)

/** `("module"` */
const called = (tokens: ReadonlyArray<Token>, at: number): Token | undefined =>
  tokens[at]?.text === "(" ? string(tokens[at + 1]) : undefined

/** `.meta.resolve("module"` */
const resolved = (tokens: ReadonlyArray<Token>, at: number): Token | undefined =>
  [".", "meta", ".", "resolve"].every((text, i) => tokens[at + i]?.text === text) ? called(tokens, at + 4) : undefined

/** `"module"`, or a clause and then `from "module"`. */
const from = (tokens: ReadonlyArray<Token>, at: number): Token | undefined => {
  if (string(tokens[at]) !== undefined) return tokens[at]
  for (let i = at; i < tokens.length; i++) {
    const token = tokens[i]
    if (token?.text === "from" && string(tokens[i + 1]) !== undefined) return tokens[i + 1]
    if (token === undefined || (token.kind === "mark" && !"{},*".includes(token.text))) return undefined
  }
  return undefined
}

/** A re-export begins with a star or a brace, after `type` or without it; everything else is a declaration. */
const exportedFrom = (tokens: ReadonlyArray<Token>, at: number): Token | undefined => {
  const start = tokens[at]?.text === "type" ? at + 1 : at
  const opening = tokens[start]?.text
  if (opening === "*") return from(tokens, start)
  if (opening !== "{") return undefined
  const closing = tokens.findIndex((token, i) => i > start && token.text === "}")
  return closing > 0 && tokens[closing + 1]?.text === "from" ? string(tokens[closing + 2]) : undefined
}

const blank = /\s+/y
const comment = /\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)/y
const quoted = /"(?:[^"\\\n]|\\[^])*"?|'(?:[^'\\\n]|\\[^])*'?/y
const word = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/yu
const number = /\d[\w.]*/y
const regularExpression = /\/(?:[^\\/[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y
const templateText = /(?:[^`\\$]|\\[^]|\$(?!\{))*/y

/** Words, strings and marks of a text. A regular expression or a template counts as the mark that opens it. */
const tokensOf = (source: string): ReadonlyArray<Token> => {
  const tokens: Array<Token> = []
  /** For each template that is open, how many braces are open inside its current `${}`. */
  const templates: Array<number> = []
  let at = 0
  let line = 1
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(source)?.[0]
    if (found === undefined || found === "") return undefined
    at += found.length
    return found
  }
  const push = (kind: Token["kind"], text: string): void => void tokens.push({ kind, text, line })
  const countLines = (text: string): void => {
    for (const character of text) if (character === "\n") line++
  }
  /** Reads the text of a template up to its end or to its next `${`. */
  const template = (): void => {
    countLines(take(templateText) ?? "")
    if (source.startsWith("${", at)) {
      templates.push(0)
      at += 2
    } else at += 1
  }
  while (at < source.length) {
    const skipped = take(blank) ?? take(comment)
    if (skipped !== undefined) {
      countLines(skipped)
      continue
    }
    const text = take(quoted)
    if (text !== undefined) {
      push("string", text.slice(1, -1))
      countLines(text)
      continue
    }
    const name = take(word)
    if (name !== undefined) {
      push("word", name)
      continue
    }
    const digits = take(number)
    if (digits !== undefined) {
      push("word", digits)
      continue
    }
    if (source[at] === "/" && expressionMayBegin(tokens.at(-1)) && take(regularExpression) !== undefined) {
      push("mark", "/")
      continue
    }
    const mark = source[at] ?? ""
    at++
    const open = templates.at(-1)
    if (mark === "`") {
      push("mark", mark)
      template()
    } else if (mark === "}" && open === 0) {
      templates.pop()
      template()
    } else {
      push("mark", mark)
      if (open !== undefined && mark === "{") templates[templates.length - 1] = open + 1
      if (open !== undefined && mark === "}") templates[templates.length - 1] = open - 1
    }
  }
  return tokens
}

const expressionMayBegin = (previous: Token | undefined): boolean =>
  previous === undefined ||
  (previous.kind === "mark"
    ? !")]}`".includes(previous.text)
    : previous.kind === "word" && beforeExpression.has(previous.text))
