import type { Finding } from "../Finding.ts"
import type { Workspace } from "../Workspace.ts"

/** Names that a published package exports without a docstring: the API reference would say nothing about them. */
export const docstrings = (workspace: Workspace): ReadonlyArray<Finding> =>
  workspace.packages.flatMap(({ exported }) =>
    exported.filter((one, i) =>
      // Of a name with several declarations (a Schema and its type), one with a docstring is enough.
      exported.every(({ doc, name }) => name !== one.name || doc === "") &&
      exported.findIndex(({ name }) => name === one.name) === i
    ).map(({ file, line, name }) => ({
      file,
      line,
      message: `exports ${name} without a docstring. Say in front of it what it is, in what shape and unit.`
    }))
  )
