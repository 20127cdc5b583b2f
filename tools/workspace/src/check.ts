import type { Finding } from "./Finding.ts"
import { cycles } from "./rules/cycles.ts"
import { docstrings } from "./rules/docstrings.ts"
import { imports } from "./rules/imports.ts"
import { manifests } from "./rules/manifests.ts"
import { references } from "./rules/references.ts"
import type { Workspace } from "./Workspace.ts"

/**
 * All rules on a workspace, in order of files and lines. A workspace without packages is a finding too: then the check was blind.
 */
export const check = (workspace: Workspace): ReadonlyArray<Finding> => {
  if (workspace.packages.length === 0) {
    return [{
      file: workspace.manifest.file,
      message: "names no package: \"workspaces\" must lead to folders with a package.json."
    }]
  }
  return [imports, manifests, references, cycles, docstrings].flatMap((rule) => rule(workspace)).toSorted(
    (a, b) => (a.file === b.file ? (a.line ?? 0) - (b.line ?? 0) : a.file < b.file ? -1 : 1)
  )
}
