import { isName, nameRule, withReferences, workspaceAggregation, workspaceFolder } from "@assay/aggregation-template"

/** What nx hands to a generator: files that are written to disk only if it succeeds. */
export interface Tree {
  readonly root: string
  readonly exists: (path: string) => boolean
  readonly read: (path: string, encoding: "utf8") => string | null
  readonly write: (path: string, text: string) => void
}

/** The version that the workspace's packages have. */
const versionIn = (tree: Tree): string =>
  (JSON.parse(tree.read("packages/aggregation/package.json", "utf8") ?? "{}") as { readonly version: string }).version

/**
 * Writes the package of a new aggregation, and its references in the workspace's tsconfig.json.
 *
 * @throws Error where the name can't be one, or there is such a package already
 */
export const writeAggregation = (tree: Tree, name: string): void => {
  if (!isName(name)) throw new Error(`An aggregation can't be called ${JSON.stringify(name)}. A name is ${nameRule}.`)
  const folder = `${workspaceFolder}/${name}`
  if (tree.exists(folder)) throw new Error(`${folder} is there already. Nothing was written; choose another name.`)
  const tsconfig = withReferences(tree.read("tsconfig.json", "utf8") ?? "", name)
  for (const [path, text] of Object.entries(workspaceAggregation(name, versionIn(tree)))) tree.write(path, text)
  tree.write("tsconfig.json", tsconfig)
}
