import { posix } from "node:path"
import type { Finding } from "../Finding.ts"
import type { Package, Project, Workspace } from "../Workspace.ts"

/**
 * TypeScript's project references say the same as the package.json files: sources refer to the packages they depend on, tests to their own
 * sources and to the packages of devDependencies, and the root to all projects.
 */
export const references = (workspace: Workspace): ReadonlyArray<Finding> => [
  ...compare(
    workspace.project,
    workspace.packages.flatMap(({ sourceProject, testProject }) => [sourceProject.file, testProject.file]),
    "because it is a project of this workspace",
    "which is no project of this workspace"
  ),
  ...workspace.packages.flatMap((one) => {
    const { dependencies, devDependencies, file, optionalDependencies, peerDependencies } = one.manifest
    return [
      ...compare(
        one.sourceProject,
        projectsOf(workspace, { ...dependencies, ...optionalDependencies, ...peerDependencies }),
        `because ${file} depends on it`,
        `which ${file} doesn't depend on`
      ),
      ...compare(
        one.testProject,
        [one.sourceProject.file, ...projectsOf(workspace, devDependencies)],
        `because the tests need it (${file}, devDependencies)`,
        `which devDependencies in ${file} don't name`
      )
    ]
  })
]

const projectsOf = (workspace: Workspace, names: Readonly<Record<string, string>>): ReadonlyArray<string> =>
  workspace.packages.filter(({ manifest }: Package) => Object.hasOwn(names, manifest.name)).map(({ sourceProject }) =>
    sourceProject.file
  )

const compare = (
  { file, references: found }: Project,
  expected: ReadonlyArray<string>,
  whyMissing: string,
  whyExtra: string
): ReadonlyArray<Finding> => {
  if (found === undefined) {
    return [{ file, message: "is missing: copy it from another package and set its references." }]
  }
  return [
    ...expected.filter((path) => !found.includes(path)).map((path) => ({
      file,
      message: `doesn't refer to ${path}: add { "path": "${written(file, path)}" } to its references, ${whyMissing}.`
    })),
    ...found.filter((path) => !expected.includes(path)).map((path) => ({
      file,
      message: `refers to ${path}, ${whyExtra}: remove the reference, or declare the dependency.`
    })),
    ...found.filter((path, i) => found.indexOf(path) !== i).map((path) => ({
      file,
      message: `refers to ${path} twice: remove one.`
    }))
  ]
}

/** A project's path as it stands in a tsconfig file. */
const written = (file: string, path: string): string => {
  const own = posix.relative(posix.dirname(file), path)
  const shown = own.startsWith(".") ? own : `./${own}`
  return posix.dirname(own) === "." ? shown : shown.replace(/\/tsconfig\.json$/, "")
}
