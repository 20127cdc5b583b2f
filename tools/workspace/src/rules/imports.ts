import { isBuiltin } from "node:module"
import { posix } from "node:path"
import type { Finding } from "../Finding.ts"
import { layerOf, layers } from "../layers.ts"
import type { Package, SourceFile, Workspace } from "../Workspace.ts"

/** Modules of Effect that may change in a minor version. What rests on them stays in the apps, where a change is cheap. */
const unstable =
  /^(effect\/(ai|cli|cluster|crypto|devtools|eventlog|graphql|http|http-api|net|observability|persistence|process|reactivity|rpc|socket|sql|workers|workflow)(\/|$)|@effect\/platform-)/

/**
 * Every import of every file: declared, of something public, of a layer that the importing one may know, and within the package when
 * it is relative.
 */
export const imports = (workspace: Workspace): ReadonlyArray<Finding> =>
  workspace.packages.flatMap((owner) =>
    owner.files.flatMap((file) =>
      file.imports.flatMap(({ line, specifier }) =>
        judge(workspace, owner, file, specifier).map((message) => ({ file: file.file, line, message }))
      )
    )
  )

const judge = (
  workspace: Workspace,
  owner: Package,
  file: SourceFile,
  specifier: string
): ReadonlyArray<string> => {
  if (specifier.startsWith(".")) return relative(owner, file, specifier)
  if (specifier.startsWith("/") || specifier.startsWith("file:")) {
    return [
      `imports the absolute path "${specifier}": import a package by its name, or a file of this package by a relative path.`
    ]
  }
  if (isBuiltin(specifier)) return []
  const name = packageName(specifier)
  const target = workspace.packages.find((one) => one.manifest.name === name)
  const effect = unstable.test(specifier) && layerOf(owner.manifest.tags) !== "app"
    ? [
      `imports "${specifier}", an unstable module of Effect, which only apps may use: hand in what it does from the app.`
    ]
    : []
  if (target === owner) {
    return file.kind === "test"
      ? []
      : [`imports its own package by name: import the file of "${specifier}" by a relative path.`]
  }
  return [
    ...effect,
    ...(target === undefined ? [] : deep(target, specifier)),
    ...(target === undefined ? [] : layer(owner, target, file)),
    ...declared(workspace, owner, file, name)
  ]
}

const packageName = (specifier: string): string =>
  specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/")

const relative = (owner: Package, file: SourceFile, specifier: string): ReadonlyArray<string> => {
  const path = posix.join(posix.dirname(file.file), specifier)
  return path === owner.directory || path.startsWith(`${owner.directory}/`)
    ? []
    : [
      `imports "${specifier}", which leaves ${owner.directory}: declare that package as a dependency and import it by its name.`
    ]
}

const deep = (target: Package, specifier: string): ReadonlyArray<string> => {
  const path = `.${specifier.slice(target.manifest.name.length)}`
  return target.manifest.exports.includes(path)
    ? []
    : [
      `imports "${specifier}", which is private: export what is needed from ${target.directory}/src/index.ts and import "${target.manifest.name}".`
    ]
}

const layer = (owner: Package, target: Package, file: SourceFile): ReadonlyArray<string> => {
  const from = layerOf(owner.manifest.tags)
  const to = layerOf(target.manifest.tags)
  // A package without a layer is a finding of its own (manifests.ts).
  if (from === undefined || to === undefined) return []
  const allowed = layers[from]
  const may = [...(allowed?.source ?? []), ...(file.kind === "test" ? (allowed?.test ?? []) : [])]
  return may.includes(to)
    ? []
    : [
      `imports ${target.manifest.name} of layer "${to}", but ${
        file.kind === "test" ? "a test" : "a source"
      } of layer "${from}" may import ` +
      `${
        may.length === 0 ? "no other layer" : `only ${may.join(", ")}`
      }: move the code, or pass in what is needed as an argument.`
    ]
}

const declared = (workspace: Workspace, owner: Package, file: SourceFile, name: string): ReadonlyArray<string> => {
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = owner.manifest
  const forSources = [dependencies, optionalDependencies, peerDependencies]
  const forTests = [...forSources, devDependencies, workspace.manifest.devDependencies]
  if ((file.kind === "test" ? forTests : forSources).some((group) => Object.hasOwn(group, name))) return []
  return [
    file.kind === "test"
      ? `imports "${name}", which nobody declares: add it to devDependencies in ${owner.manifest.file}.`
      : Object.hasOwn(devDependencies, name)
      ? `imports "${name}", which is declared for tests only: move it from devDependencies to dependencies in ${owner.manifest.file}.`
      : `imports "${name}", which isn't declared: add it to dependencies in ${owner.manifest.file}.`
  ]
}
