/** What a runner watches: the definitions of a project, read again when their files change. */
import { definitionHash } from "@assay/definitions"
import { type AssayError, DefinitionError } from "@assay/model"
import { engineWith } from "@assay/stats"
import type { Watched } from "@assay/watch"
import { Effect, Ref } from "effect"
import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import type { Writing } from "./engine.ts"
import { type LoadedProject, type Project, readDefinitions, shown } from "./project.ts"
import { version } from "./version.ts"

/** Names, sizes and times of all files in the folders of definitions: the same as long as none was touched. */
const signature = ({ config }: Project): string =>
  [config.experiments, config.metrics].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /\.ya?ml$/.test(name)).toSorted()
      .map((name) => {
        const { mtimeMs, size } = statSync(join(folder, name))
        return `${name} ${size} ${mtimeMs}`
      })
  ).join("\n")

/** A project's definitions as work. */
export const watchedOf = ({ config, definitions }: LoadedProject, outlets: Writing): Watched => ({
  jobs: new Map(
    [...definitions.experiments].map(([key, experiment]) => [key, {
      experiment,
      definitionHash: definitionHash({ experiment, ...config, metrics: definitions.metrics })
    }])
  ),
  context: {
    metrics: definitions.metrics,
    mapping: config.mapping,
    aggregations: config.aggregations,
    engine: engineWith(config.defaults.engine),
    confidence: config.defaults.confidence,
    policy: config.decision,
    multiplicity: config.multiplicity,
    slices: config.defaults.slices,
    series: config.defaults.series,
    sharedReads: config.defaults.shared_reads,
    version,
    ...outlets
  },
  refresh: config.defaults.refresh
})

/**
 * The definitions as they are at each time; read only where a file was added, removed or changed since the last time. Fails, until
 * somebody mends it, with what is wrong in them.
 */
export const watching = Effect.fn("watching")(function*(project: Project, outlets: Writing) {
  const known = yield* Ref.make<{ readonly signature: string; readonly watched: Watched } | undefined>(undefined)
  return Effect.gen(function*() {
    const now = yield* Effect.try({
      try: () => signature(project),
      catch: (error) =>
        new DefinitionError({
          issues: [{
            file: shown(project.config.experiments),
            path: [],
            found: error instanceof Error ? error.message : String(error),
            expected: "folders of definitions that can be read"
          }]
        })
    })
    const before = yield* Ref.get(known)
    if (before?.signature === now) return before.watched
    const watched = watchedOf(yield* readDefinitions(project), outlets)
    yield* Ref.set(known, { signature: now, watched })
    return watched
  }) satisfies Effect.Effect<Watched, AssayError>
})
