import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { dirname, join, posix, relative, sep } from "node:path"
import { type Exported, exportedFrom } from "./exported.ts"
import { type Import, importsOf } from "./importsOf.ts"

/** The groups of dependencies in a package.json, each from a package's name to its version. */
export const groups = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"] as const

/** What the rules need of a package.json. */
export interface Manifest {
  /** Path of the file from the repository's root. */
  readonly file: string
  readonly name: string
  readonly description: string
  readonly version: string
  /** Whether others can install it: not private. */
  readonly isPublished: boolean
  readonly tags: ReadonlyArray<string>
  /** What others may import: `.`, `./package.json`. */
  readonly exports: ReadonlyArray<string>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
}

/** A tsconfig file: where it is and which projects it refers to, as paths from the root; `undefined` when there is no such file. */
export interface Project {
  readonly file: string
  readonly references: ReadonlyArray<string> | undefined
}

/** A source or test file and what it imports. */
export interface SourceFile {
  readonly file: string
  readonly kind: "source" | "test"
  readonly imports: ReadonlyArray<Import>
}

/** One package of the workspace. */
export interface Package {
  /** Path from the root, with forward slashes. */
  readonly directory: string
  readonly manifest: Manifest
  readonly sourceProject: Project
  readonly testProject: Project
  readonly files: ReadonlyArray<SourceFile>
  /** What its index exports; nothing where it isn't published. */
  readonly exported: ReadonlyArray<Exported>
}

/** All that the rules look at, as plain data. */
export interface Workspace {
  readonly manifest: Manifest
  readonly project: Project
  readonly packages: ReadonlyArray<Package>
}

/** Folders of a package whose files are checked. `vitest.config.ts` isn't: all of them re-export the root's. */
const folders = [["src", "source"], ["bin", "source"], ["test", "test"]] as const

const sourceFile = /\.[cm]?[jt]sx?$/

/**
 * Reads a repository's packages: those that the `workspaces` of its package.json name.
 *
 * @param root the folder with the root package.json
 * @throws Error when a package.json or tsconfig.json isn't JSON, or a pattern of `workspaces` isn't `folder/*` or a folder
 */
export const read = (root: string): Workspace => {
  const text = readJson(root, "package.json")
  const patterns = isRecord(text) && Array.isArray(text.workspaces) ? text.workspaces.map(String) : []
  return {
    manifest: manifest(root, "package.json"),
    project: project(root, "tsconfig.json"),
    packages: patterns
      .flatMap((pattern) => directories(root, pattern))
      .filter((directory) => existsSync(join(root, directory, "package.json")))
      .map((directory) => readPackage(root, directory))
  }
}

const readPackage = (root: string, directory: string): Package => {
  const own = manifest(root, `${directory}/package.json`)
  return {
    directory,
    manifest: own,
    sourceProject: project(root, `${directory}/tsconfig.json`),
    testProject: project(root, `${directory}/tsconfig.test.json`),
    files: folders.flatMap(([folder, kind]) =>
      filesUnder(root, `${directory}/${folder}`).map((file) => ({
        file,
        kind,
        imports: importsOf(readFileSync(join(root, file), "utf8"))
      }))
    ),
    exported: own.isPublished ? exportedFrom(root, `${directory}/src/index.ts`) : []
  }
}

const directories = (root: string, pattern: string): ReadonlyArray<string> => {
  const parent = pattern.endsWith("/*") ? pattern.slice(0, -2) : undefined
  if ((parent ?? pattern).includes("*")) {
    throw new Error(
      `package.json: the workspace pattern ${JSON.stringify(pattern)} isn't supported; write "folder/*" or a folder`
    )
  }
  if (parent === undefined) return [pattern]
  if (!existsSync(join(root, parent))) return []
  return readdirSync(join(root, parent), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "node_modules")
    .map((entry) => `${parent}/${entry.name}`)
    .toSorted()
}

const filesUnder = (root: string, folder: string): ReadonlyArray<string> =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && sourceFile.test(entry.name))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
      .filter((file) => !file.includes("/node_modules/"))
      .toSorted()
    : []

/** Narrows what was read from JSON to an object. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const readJson = (root: string, file: string): unknown => {
  try {
    return JSON.parse(readFileSync(join(root, file), "utf8"))
  } catch (cause) {
    throw new Error(`${file} can't be read as JSON (comments aren't allowed in it)`, { cause })
  }
}

const texts = (value: unknown): Readonly<Record<string, string>> =>
  isRecord(value) ? Object.fromEntries(Object.entries(value).map(([name, version]) => [name, String(version)])) : {}

const text = (value: unknown): string => (typeof value === "string" ? value : "")

const manifest = (root: string, file: string): Manifest => {
  const json = readJson(root, file)
  const values = isRecord(json) ? json : {}
  return {
    file,
    name: text(values.name),
    description: text(values.description),
    isPublished: values.private !== true,
    version: text(values.version),
    tags: isRecord(values.nx) && Array.isArray(values.nx.tags) ? values.nx.tags.map(String) : [],
    exports: isRecord(values.exports) ? Object.keys(values.exports) : [],
    dependencies: texts(values.dependencies),
    devDependencies: texts(values.devDependencies),
    optionalDependencies: texts(values.optionalDependencies),
    peerDependencies: texts(values.peerDependencies)
  }
}

/** References are told as TypeScript takes them: a folder means the tsconfig.json in it. */
const project = (root: string, file: string): Project => {
  if (!existsSync(join(root, file))) return { file, references: undefined }
  const json = readJson(root, file)
  const references = isRecord(json) && Array.isArray(json.references) ? json.references : []
  return {
    file,
    references: references.map((reference) => {
      const path = posix.join(dirname(file), isRecord(reference) ? text(reference.path) : "")
      return isDirectory(join(root, path)) ? posix.join(path, "tsconfig.json") : path
    })
  }
}

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
