/** The package.json that a package is published with. */
import { isRecord } from "./Workspace.ts"

/** Where a package comes from. */
export interface Origin {
  /** Its folder, from the repository's root. */
  readonly directory: string
  /** Where the repository is, such as `https://host/owner/name`; unknown outside of CI, unless told. */
  readonly repository: string | undefined
}

/** What serves work in the repository alone. */
const inside = new Set(["scripts", "nx", "devDependencies", "private"])

const condition = "@assay/source"

const withoutSources = (exports: unknown): unknown =>
  isRecord(exports)
    ? Object.fromEntries(
      Object.entries(exports).filter(([name]) => name !== condition).map(([name, value]) => [
        name,
        withoutSources(value)
      ])
    )
    : exports

/**
 * A package's own package.json as it is published: without scripts, devDependencies and the condition that leads to its sources, with the
 * repository that it comes from. Where that is known, npm attests to it (provenance).
 */
export const published = (
  manifest: Readonly<Record<string, unknown>>,
  { directory, repository }: Origin
): Readonly<Record<string, unknown>> => ({
  ...Object.fromEntries(Object.entries(manifest).filter(([field]) => !inside.has(field))),
  exports: withoutSources(manifest["exports"]),
  ...(repository === undefined ? {} : {
    repository: { type: "git", url: `git+${repository}.git`, directory },
    homepage: `${repository}/tree/HEAD/${directory}#readme`,
    bugs: `${repository}/issues`
  }),
  publishConfig: { access: "public", ...(repository === undefined ? {} : { provenance: true }) }
})
