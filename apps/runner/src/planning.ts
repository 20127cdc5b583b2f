/** What a recompute of a project's experiments would do now. */
import { plan } from "@assay/aggregation"
import { Instant } from "@assay/model"
import type { LoadedProject } from "./project.ts"

/** Whether an experiment of the project has started at `asOf`, milliseconds since 1970-01-01 UTC. */
export const hasStarted = ({ definitions }: LoadedProject, name: string, asOf: number): boolean =>
  Instant.toMillis(definitions.experiments.get(name)!.started_at) < asOf

/** The plan of an experiment of the project as of `asOf`, milliseconds since 1970-01-01 UTC; a PlanError where there is none. */
export const planOf = ({ config, definitions }: LoadedProject, name: string, asOf: number) =>
  plan({
    experiment: definitions.experiments.get(name)!,
    metrics: definitions.metrics,
    mapping: config.mapping,
    aggregations: config.aggregations,
    slices: config.defaults.slices,
    series: config.defaults.series,
    asOf
  })
