import type { Finding } from "../Finding.ts"
import { layerOf, layers } from "../layers.ts"
import { groups, type Manifest, type Package, type Workspace } from "../Workspace.ts"

const exact = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/

/** Every package.json: one known layer, exact versions, the workspace's own version for its packages, and nothing declared in vain. */
export const manifests = (workspace: Workspace): ReadonlyArray<Finding> => [
  ...pins(workspace, workspace.manifest),
  ...workspace.packages.flatMap((one) => [
    ...tags(one),
    ...entry(one),
    ...pins(workspace, one.manifest),
    ...unused(workspace, one)
  ]),
  ...oneVersion(workspace),
  ...sameName(workspace)
]

const tags = ({ manifest }: Package): ReadonlyArray<Finding> =>
  layerOf(manifest.tags) === undefined
    ? [{
      file: manifest.file,
      message: `has no layer of its own: give it exactly one tag "layer:…" under nx.tags, of ${
        Object.keys(layers).join(", ")
      }.`
    }]
    : []

const entry = ({ directory, files, manifest }: Package): ReadonlyArray<Finding> =>
  files.some(({ file }) => file === `${directory}/src/index.ts`)
    ? []
    : [{
      file: manifest.file,
      message: `has no entry: write ${directory}/src/index.ts and export from it what is public.`
    }]

const pins = (workspace: Workspace, manifest: Manifest): ReadonlyArray<Finding> =>
  groups.flatMap((group) =>
    Object.entries(manifest[group]).flatMap(([name, version]): ReadonlyArray<Finding> => {
      const own = workspace.packages.find((one) => one.manifest.name === name)
      if (own !== undefined && version !== own.manifest.version) {
        return [{
          file: manifest.file,
          message:
            `asks for ${name} ${version} in ${group}, but the workspace has ${own.manifest.version}: write "${own.manifest.version}", or npm fetches another one.`
        }]
      }
      // What a package asks of its user may be a range: the user's own lockfile pins it.
      return exact.test(version) || group === "peerDependencies"
        ? []
        : [{
          file: manifest.file,
          message: `asks for ${name} "${version}" in ${group}: write one exact version, such as "1.2.3".`
        }]
    })
  )

const unused = (workspace: Workspace, one: Package): ReadonlyArray<Finding> => {
  const imported = (kind: "source" | "test", name: string) =>
    one.files.some((file) =>
      file.kind === kind &&
      file.imports.some(({ specifier }) => specifier === name || specifier.startsWith(`${name}/`))
    )
  const isOwn = (name: string) => workspace.packages.some(({ manifest }) => manifest.name === name)
  return groups.flatMap((group) =>
    Object.keys(one.manifest[group]).filter(isOwn).flatMap((name): ReadonlyArray<Finding> => {
      const inSource = imported("source", name)
      const inTest = imported("test", name)
      if (group === "devDependencies") {
        return inTest || inSource
          ? []
          : [{
            file: one.manifest.file,
            message: `declares ${name} in devDependencies, but no test imports it: remove it.`
          }]
      }
      if (inSource) return []
      return [{
        file: one.manifest.file,
        message: inTest
          ? `declares ${name} in ${group}, but only tests import it: move it to devDependencies.`
          : `declares ${name} in ${group}, but nothing imports it: remove it.`
      }]
    })
  )
}

/** Two versions of one library in one process are two libraries: their types and symbols differ. */
const oneVersion = (workspace: Workspace): ReadonlyArray<Finding> => {
  const first = new Map<string, { readonly file: string; readonly version: string }>()
  return [workspace.manifest, ...workspace.packages.map(({ manifest }) => manifest)].flatMap((manifest) =>
    (["dependencies", "devDependencies", "optionalDependencies"] as const).flatMap((group) =>
      Object.entries(manifest[group]).flatMap(([name, version]): ReadonlyArray<Finding> => {
        const known = first.get(name) ?? { file: manifest.file, version }
        first.set(name, known)
        return known.version === version || workspace.packages.some((one) => one.manifest.name === name)
          ? []
          : [{
            file: manifest.file,
            message: `asks for ${name} ${version}, but ${known.file} for ${known.version}: use one version everywhere.`
          }]
      })
    )
  )
}

const sameName = (workspace: Workspace): ReadonlyArray<Finding> =>
  workspace.packages.flatMap((one, i) => {
    const other = workspace.packages.slice(0, i).find(({ manifest }) => manifest.name === one.manifest.name)
    return other === undefined
      ? []
      : [{
        file: one.manifest.file,
        message: `has the name of ${other.directory}, ${JSON.stringify(one.manifest.name)}: give it one of its own.`
      }]
  })
