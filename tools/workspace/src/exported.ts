/** What an index exports, followed into its modules. */
import { existsSync, readFileSync } from "node:fs"
import { dirname, join, posix } from "node:path"
import { declarationsOf, publicNamesOf } from "./publicNames.ts"

/** An exported name: where it is declared (a path from the root), and how. */
export interface Exported {
  /** As users write it: `decode`, or `Moments.fromSums` for a member of a module that is exported under a name. */
  readonly name: string
  readonly file: string
  readonly line: number
  readonly doc: string
  readonly text: string
}

/**
 * Everything that the module `index` (a path from `root`) exports of its own package, sources or compiled declarations; a name with several
 * declarations (a Schema and its type) once for each, in the order of the index.
 */
export const exportedFrom = (root: string, index: string): ReadonlyArray<Exported> => {
  if (!existsSync(join(root, index))) return []
  const text = readFileSync(join(root, index), "utf8")
  const folder = posix.normalize(dirname(index))
  const declarations = (from: string) => {
    const file = posix.join(folder, index.endsWith(".d.ts") ? from.replace(/\.ts$/, ".d.ts") : from)
    return existsSync(join(root, file))
      ? declarationsOf(readFileSync(join(root, file), "utf8")).map((one) => ({ ...one, file }))
      : []
  }
  const names = publicNamesOf(text).filter(({ from }) => from.startsWith("./"))
  return [
    ...declarationsOf(text).map((one) => ({ ...one, file: index })),
    ...names.flatMap(({ from, local, name }) =>
      local === "*"
        ? declarations(from).map((one) => ({ ...one, name: name === "" ? one.name : `${name}.${one.name}` }))
        : declarations(from).filter((one) => one.name === local).map((one) => ({ ...one, name }))
    )
  ]
}
