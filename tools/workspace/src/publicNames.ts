/** What a package offers: the names that its index exports, with their declarations and docstrings. Pure, on the text of modules. */

/** A declaration at the top of a module. */
export interface Declaration {
  readonly name: string
  readonly line: number
  /** The text of its docstring without the comment's marks; empty where there is none. */
  readonly doc: string
  /** The declaration itself; whole in declaration files, where statements have no bodies. */
  readonly text: string
}

const declared =
  /^export (?:declare )?(?:abstract )?(?:const|let|function\*?|class|interface|type|enum|namespace) ([\w$]+)/

const unmarked = (comment: string): string =>
  comment.replace(/^\/\*\*\s?/, "").replace(/\s*\*\/$/, "").split("\n").map((line) => line.replace(/^\s*\* ?/, ""))
    .join("\n").trim()

/** The exported declarations of a module, in their order. A docstring belongs to the declaration that follows it at once. */
export const declarationsOf = (module: string): ReadonlyArray<Declaration> => {
  const lines = module.split("\n")
  const found: Array<Declaration> = []
  let comment: { readonly text: string; readonly end: number } | undefined
  for (let i = 0; i < lines.length; i++) {
    if (lines[i]!.startsWith("/**")) {
      const start = i
      while (i < lines.length && !lines[i]!.includes("*/")) i++
      comment = { text: lines.slice(start, i + 1).join("\n"), end: i }
      continue
    }
    const [, name] = declared.exec(lines[i]!) ?? []
    if (name === undefined) continue
    let end = i
    while (end + 1 < lines.length && !/[;}]$/.test(lines[end]!) || /^[\s)}\]]/.test(lines[end + 1] ?? "")) end++
    found.push({
      name,
      line: i + 1,
      doc: comment?.end === i - 1 ? unmarked(comment.text) : "",
      text: lines.slice(i, end + 1).join("\n").replace(/^export (declare )?/, "")
    })
  }
  return found
}

/** A name that an index exports: as what, from which module, and what it is called there. `*` is the whole module, under one name or
 * (where `name` is empty) each under its own. */
export interface PublicName {
  readonly name: string
  readonly local: string
  readonly from: string
}

/** The names that an index exports from other modules. */
export const publicNamesOf = (index: string): ReadonlyArray<PublicName> => [
  ...[...index.matchAll(/^export \* as (\w+) from "([^"]+)"/gm)].map(([, name, from]) => ({
    name: name!,
    local: "*",
    from: from!
  })),
  ...[...index.matchAll(/^export \* from "([^"]+)"/gm)].map(([, from]) => ({ name: "", local: "*", from: from! })),
  ...[...index.matchAll(/^export (?:type )?\{([^}]*)\} from "([^"]+)"/gm)].flatMap(([, names, from]) =>
    names!.split(",").map((one) => one.trim().replace(/^type /, "")).filter((one) => one !== "").map((one) => {
      const [local, name = local] = one.split(" as ")
      return { name: name!, local: local!, from: from! }
    })
  )
]
