/** `nx g @assay/tools:aggregation <name>`: a package of an aggregation in this workspace. */
import { spawnSync } from "node:child_process"
import { registerHooks } from "node:module"
import type { Tree } from "./write.ts"

/** Asked by nx on the command line, or by default. */
export interface Options {
  readonly name: string
  readonly install: boolean
}

/** nx runs on Node without conditions: packages of this workspace are found by their sources, so that nothing need be built. */
const fromSources = () =>
  registerHooks({
    resolve: (specifier, context, next) =>
      next(
        specifier,
        specifier.startsWith("@assay/") ? { ...context, conditions: ["@assay/source", ...context.conditions] } : context
      )
  })

/** Writes the package and registers it; the function that it returns links it. */
export const aggregation = async (tree: Tree, { install, name }: Options): Promise<() => void> => {
  const hooks = fromSources()
  try {
    const { writeAggregation } = await import("./write.ts")
    writeAggregation(tree, name)
  } finally {
    hooks.deregister()
  }
  return () => {
    if (!install) return console.log("Run npm install to link the new package, and commit package-lock.json.")
    const { status } = spawnSync("npm", ["install", "--no-audit", "--no-fund"], { cwd: tree.root, stdio: "inherit" })
    if (status !== 0) throw new Error("npm install failed: run it again to link the new package")
  }
}
