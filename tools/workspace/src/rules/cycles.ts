import type { Finding } from "../Finding.ts"
import { groups, type Package, type Workspace } from "../Workspace.ts"

/** Packages that depend on themselves by way of others, tests included: nx can't order them. Each cycle is told once. */
export const cycles = (workspace: Workspace): ReadonlyArray<Finding> => {
  const byName = new Map(workspace.packages.map((one) => [one.manifest.name, one]))
  const next = (one: Package): ReadonlyArray<Package> =>
    [...new Set(groups.flatMap((group) => Object.keys(one.manifest[group])))].flatMap((name) => byName.get(name) ?? [])
  const done = new Set<Package>()
  const visit = (one: Package, path: ReadonlyArray<Package>): ReadonlyArray<Finding> => {
    const at = path.indexOf(one)
    if (at >= 0) {
      const names = [...path.slice(at), one].map(({ manifest }) => manifest.name)
      return [{
        file: one.manifest.file,
        message: `depends on itself: ${names.join(" → ")}. Move what they share into a package below them.`
      }]
    }
    if (done.has(one)) return []
    const found = next(one).flatMap((target) => visit(target, [...path, one]))
    done.add(one)
    return found
  }
  return workspace.packages.flatMap((one) => visit(one, []))
}
