/** One YAML file as a plain value, with the place of everything in it. */
import { type DefinitionIssue, describe } from "@assay/model"
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  parseAllDocuments,
  type YAMLError
} from "yaml"

/** A file as it was read: its name, as messages show it, and its text. */
export interface SourceFile {
  readonly file: string
  readonly text: string
}

/** A value of a file, where it begins, and how it is written there (scalars only). */
export interface Place {
  readonly value: unknown
  readonly offset: number
  readonly source?: string
  /** Entries of a mapping. */
  readonly entries?: ReadonlyMap<string, { readonly offset: number; readonly place: Place }>
  /** Items of a list. */
  readonly items?: ReadonlyArray<Place>
}

/**
 * A file after reading. `root` is absent where nothing could be read; `isBroken` says that it isn't what the writer meant,
 * because of an error in the YAML.
 */
export interface YamlFile {
  readonly file: string
  readonly root: Place | undefined
  readonly isBroken: boolean
  readonly issues: ReadonlyArray<DefinitionIssue>
  /** Line and column, from 1, of an offset. */
  readonly position: (offset: number) => { readonly line: number; readonly column: number }
}

/** The largest file that is read, in bytes. Definitions are a few kilobytes. */
export const maximumBytes = 256 * 1024

/** Values in one file, what aliases repeat included. */
const maximumValues = 50_000

/** Lists and mappings inside one another. */
const maximumDepth = 64

/** Tags that say what YAML means anyway; all others are refused. */
const plainTags = new Set(
  ["str", "int", "float", "bool", "null", "map", "seq"].map((tag) => `tag:yaml.org,2002:${tag}`)
)

// What can't stand in YAML text, and what decoding puts in place of bytes that aren't UTF-8.
// oxlint-disable-next-line no-control-regex
const rubbish = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F\uFFFD]/

type Wrong = Pick<DefinitionIssue, "found" | "expected" | "hint">

const quoteHint = "Put the text in quotes if this character belongs to it"

/** What the parser's complaints mean to somebody who writes a definition. */
const syntaxErrors: Readonly<Record<string, (error: YAMLError, text: string) => Wrong>> = {
  TAB_AS_INDENT: () => ({ found: "a tab as indentation", expected: "spaces", hint: "YAML is indented by spaces only" }),
  BAD_SCALAR_START: ({ pos }, text) => ({
    found: `text that begins with ${describe(text.slice(...pos))}`,
    expected: "text that begins otherwise, or in quotes",
    hint: quoteHint
  }),
  BLOCK_AS_IMPLICIT_KEY: () => ({
    found: "a mapping inside a line (two colons, or lines indented below a value)",
    expected: "one key and one value in a line",
    hint: "Put a text with \": \" in it in quotes, and give keys of one mapping the same indentation"
  }),
  MULTILINE_IMPLICIT_KEY: () => ({
    found: "a key of several lines",
    expected: "a key, a colon and a value",
    hint: "A colon or a quote is missing, or a line isn't indented as it should be"
  }),
  MISSING_CHAR: ({ message }) =>
    message.startsWith("Missing closing")
      ? { found: "the end of a text in quotes that has no closing quote", expected: "a quote" }
      : { found: lowered(message), expected: "valid YAML" },
  BAD_INDENT: ({ message }) => {
    const closing = / end with an? (.)$/.exec(message)?.[1]
    return closing === undefined
      ? { found: lowered(message), expected: "the same indentation for all keys of a mapping" }
      : { found: `the end of a list or mapping in brackets that has no ${closing}`, expected: `a ${closing}` }
  },
  BAD_DQ_ESCAPE: ({ message }) => ({
    found: lowered(message),
    expected: "an escape that YAML knows",
    hint: "Write \\\\ for a backslash, or use single quotes"
  }),
  TAG_RESOLVE_FAILED: ({ pos }, text) => tagged(text.slice(...pos))
}

const lowered = (message: string): string => message.charAt(0).toLowerCase() + message.slice(1)

const tagged = (tag: string): Wrong => ({
  found: `the tag ${describe(tag.replace("tag:yaml.org,2002:", "!!"))}`,
  expected: "plain YAML without tags",
  hint: "Put the text in quotes if the exclamation mark belongs to it"
})

const tooDeep: Wrong = { found: "too many lists and mappings in one another", expected: "a definition" }

const syntaxError = (error: YAMLError, text: string): Wrong =>
  // The parser is recursive, and may report the end of its stack like an error of the text.
  error.message.includes("call stack")
    ? tooDeep
    : (syntaxErrors[error.code]?.(error, text) ?? { found: lowered(error.message), expected: "valid YAML" })

const isFiniteInteger = (source: string): boolean => /^[-+]?\d+$/.test(source)

/** Walks a parsed document into a {@link Place} and says what of YAML definitions can't have. */
const walk = (document: Document.Parsed, text: string, complain: (offset: number, wrong: Wrong) => void): Place => {
  const anchors = new Map<string, { readonly place: Place; readonly size: number } | "open">()
  let size = 0
  let tooMany = false
  const grow = (by: number, offset: number): boolean => {
    size += by
    if (size > maximumValues && !tooMany) {
      tooMany = true
      complain(offset, {
        found: `more than ${maximumValues} values, with what aliases repeat`,
        expected: "a definition of a sensible size"
      })
    }
    return !tooMany
  }
  const nothing = (offset: number): Place => ({ value: null, offset })

  const scalar = (value: unknown, source: string, offset: number): Place => {
    if (typeof value === "number" && !Number.isFinite(value)) {
      complain(offset, { found: source, expected: "a finite number", hint: `Quote it to make it text: "${source}"` })
    } else if (typeof value === "number" && !Number.isSafeInteger(value) && isFiniteInteger(source)) {
      complain(offset, {
        found: `${source}, which has more digits than a number can hold`,
        expected: "a number up to 9007199254740991",
        hint: `Quote it to make it text: "${source}"`
      })
    }
    return { value, offset, source }
  }

  const keyText = (key: unknown, offset: number): string | undefined => {
    if (isScalar(key)) {
      if (key.tag !== undefined && !plainTags.has(key.tag)) complain(offset, tagged(key.tag))
      if (key.anchor !== undefined) {
        anchors.set(key.anchor, { place: { value: key.value, offset, source: key.source ?? "" }, size: 1 })
      }
      return typeof key.value === "string" ? key.value : (key.source ?? "")
    }
    if (key === null) return ""
    complain(offset, { found: "a key that isn't text", expected: "text as a key" })
    return undefined
  }

  const collection = (node: unknown, offset: number, depth: number): Place => {
    if (isMap(node)) {
      const entries = new Map<string, { readonly offset: number; readonly place: Place }>()
      for (const { key, value } of node.items) {
        const keyOffset = start(key) ?? offset
        const name = keyText(key, keyOffset)
        const place = visit(value, keyOffset, depth + 1)
        if (name === undefined) continue
        const before = entries.get(name)
        if (before !== undefined) {
          complain(keyOffset, {
            found: `the key ${describe(name)} a second time`,
            expected: "each key once in a mapping"
          })
        } else if (name === "__proto__") {
          complain(keyOffset, { found: "the key \"__proto__\"", expected: "another key" })
        } else {
          entries.set(name, { offset: keyOffset, place })
        }
      }
      return {
        value: Object.fromEntries([...entries].map(([name, { place }]) => [name, place.value])),
        offset,
        entries
      }
    }
    if (isCollection(node)) {
      const items = node.items.map((item) => isPair(item) ? nothing(offset) : visit(item, offset, depth + 1))
      return { value: items.map((item) => item.value), offset, items }
    }
    return nothing(offset)
  }

  const visit = (node: unknown, around: number, depth: number): Place => {
    const offset = start(node) ?? around
    if (!grow(1, offset)) return nothing(offset)
    if (isAlias(node)) {
      const target = anchors.get(node.source)
      if (target === undefined || target === "open") {
        complain(offset, {
          found: `the alias *${node.source}`,
          expected: target === undefined ? `an anchor &${node.source} before it` : "an alias that doesn't hold itself",
          ...(target === undefined ? { hint: "Put the text in quotes if the star belongs to it" } : {})
        })
        return nothing(offset)
      }
      return grow(target.size, offset) ? { ...target.place, offset } : nothing(offset)
    }
    if (isScalar(node) || isCollection(node)) {
      if (node.tag !== undefined && !plainTags.has(node.tag)) {
        complain(offset, tagged(node.tag))
        return nothing(offset)
      }
      if (depth > maximumDepth) {
        complain(offset, {
          found: `more than ${maximumDepth} levels`,
          expected: "fewer lists and mappings in one another"
        })
        return nothing(offset)
      }
      const before = size
      if (node.anchor !== undefined) anchors.set(node.anchor, "open")
      const place = isScalar(node)
        ? scalar(node.value, node.source ?? "", offset)
        : collection(node, offset, depth)
      if (node.anchor !== undefined) anchors.set(node.anchor, { place, size: size - before + 1 })
      return place
    }
    return nothing(offset)
  }

  return visit(document.contents, firstText(text), 0)
}

/** Where a node begins; anchors and tags before it aren't part of it. */
const start = (node: unknown): number | undefined =>
  isScalar(node) || isCollection(node) || isAlias(node) ? (node.range?.[0] ?? undefined) : undefined

const firstText = (text: string): number => Math.max(0, text.search(/\S/))

/** The first issue of each line: further complaints about it are mostly the parser's confusion about the first. */
const firstOfEachLine = (issues: ReadonlyArray<DefinitionIssue>): ReadonlyArray<DefinitionIssue> => {
  const first = new Map<number | undefined, DefinitionIssue>()
  for (const issue of issues) if (!first.has(issue.line)) first.set(issue.line, issue)
  return [...first.values()]
}

/**
 * Reads a file as YAML 1.2 (core schema), one document, without tags. Never throws; what is wrong stands in `issues`. A
 * byte-order mark and Windows line ends are fine.
 */
export const readYaml = ({ file, text: whole }: SourceFile): YamlFile => {
  const text = whole.replace(/^\uFEFF/, "")
  const lines = new LineCounter()
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const failed = (wrong: Wrong, at?: { readonly line: number; readonly column: number }): YamlFile => ({
    file,
    root: undefined,
    isBroken: true,
    issues: [{ file, ...at, path: [], ...wrong }],
    position
  })
  const bytes = new TextEncoder().encode(text).length
  if (bytes > maximumBytes) {
    return failed({
      found: `${bytes} bytes`,
      expected: `at most ${maximumBytes}`,
      hint: "A file defines one experiment or one metric; is this another file?"
    })
  }
  const bad = rubbish.exec(text)
  if (bad !== null) {
    const before = text.slice(0, bad.index).split("\n")
    const code = bad[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")
    return failed(
      {
        found: bad[0] === "\uFFFD" ? "bytes that aren't UTF-8" : `the control character U+${code}`,
        expected: "text in UTF-8",
        hint: "Is this a YAML file? Save it as UTF-8 without control characters"
      },
      { line: before.length, column: before.at(-1)!.length + 1 }
    )
  }
  let documents: ReadonlyArray<Document.Parsed>
  try {
    // Unique keys are checked in `walk`: the parser's check takes quadratic time and doesn't name the key.
    documents = parseAllDocuments(text, {
      lineCounter: lines,
      version: "1.2",
      schema: "core",
      strict: true,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "silent"
    })
  } catch (error) {
    if (error instanceof RangeError) return failed(tooDeep)
    throw error
  }
  const [document, ...more] = documents
  const issue = (offset: number, wrong: Wrong): DefinitionIssue => ({ file, ...position(offset), path: [], ...wrong })
  const complaint = (error: YAMLError) => issue(error.pos[0], syntaxError(error, text))
  const isTag = ({ code }: YAMLError) => code === "TAG_RESOLVE_FAILED"
  const said = documents.flatMap(({ errors, warnings }): ReadonlyArray<YAMLError> => [...errors, ...warnings])
  const syntax = said.filter((error) => !isTag(error)).map(complaint)
  const second = more.find(({ contents, errors }) =>
    errors.length === 0 && (start(contents) ?? 0) > 0 && !isBlank(contents)
  )
  const several = second === undefined ? [] : [
    issue(start(second.contents) ?? 0, {
      found: "a second YAML document after ---",
      expected: "one definition per file",
      hint: "Put each definition into a file of its own"
    })
  ]
  const broken = firstOfEachLine([...syntax, ...several])
  const contents = document?.contents
  if (document === undefined || isBlank(contents)) {
    return broken.length > 0
      ? { file, root: undefined, isBroken: true, issues: broken, position }
      : failed({ found: "an empty file", expected: "a definition" })
  }
  const problems: Array<DefinitionIssue> = []
  const root = walk(document, text, (offset, wrong) => problems.push(issue(offset, wrong)))
  const isBroken = syntax.length > 0
  // A tag that the parser refuses stands in the tree, too, as a rule.
  const refused = new Set(problems.map(({ line }) => line))
  const tags = said.filter(isTag).map(complaint).filter(({ line }) => !refused.has(line))
  return { file, root, isBroken, issues: isBroken ? broken : [...broken, ...tags, ...problems], position }
}

const isBlank = (contents: unknown): boolean =>
  contents === null || contents === undefined || (isScalar(contents) && contents.source === "")

/** The place that a path leads to, or the deepest one on the way that exists. */
export const placeAt = (root: Place, path: ReadonlyArray<string | number>, at?: "key"): number => {
  let place = root
  let offset = root.offset
  for (const [i, step] of path.entries()) {
    const entry = place.entries?.get(String(step))
    const item = typeof step === "number" ? place.items?.[step] : undefined
    if (entry !== undefined) {
      offset = at === "key" && i === path.length - 1 ? entry.offset : entry.place.offset
      place = entry.place
    } else if (item !== undefined) {
      offset = item.offset
      place = item
    } else {
      return offset
    }
  }
  return offset
}

/** What stands at a path, or undefined where nothing does. */
export const lookUp = (root: Place, path: ReadonlyArray<string | number>): Place | undefined =>
  path.reduce<Place | undefined>(
    (place, step) =>
      typeof step === "number" && place?.items !== undefined
        ? place.items[step]
        : place?.entries?.get(String(step))?.place,
    root
  )
