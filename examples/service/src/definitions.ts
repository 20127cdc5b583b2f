/** What the service measures: definitions as values, where a project of the command has files. */
import { mean } from "@assay/aggregation-mean"
import { occurrence } from "@assay/aggregation-occurrence"
import { definitionHash } from "@assay/definitions"
import { defaultEventMapping, Experiment, Metric } from "@assay/model"
import type { Job, RecomputeContext } from "@assay/pipeline"
import { Schema } from "effect"

/** Definitions of the service are checked as files are: a mistake ends it at its start, with what is wrong. */
const metrics = [
  { key: "subscribed", aggregation: "occurrence", event: "subscription", direction: "up" },
  { key: "minutes_read", aggregation: "mean", event: "article_read", direction: "up" }
].map((one) => Schema.decodeUnknownSync(Metric)(one))

const experiments = [
  {
    key: "paywall",
    environment: "production",
    feature: "paywall",
    started_at: "2026-03-02",
    ended_at: "2026-03-16",
    control: "after_5",
    variants: [{ key: "after_5", share: 1 }, { key: "after_3", share: 1 }],
    metrics: [{ metric: "subscribed", role: "goal" }, { metric: "minutes_read", role: "guardrail" }]
  }
].map((one) => Schema.decodeUnknownSync(Experiment)(one))

const aggregations = [occurrence, mean]

/** What all runs share. */
export const definitions: Pick<RecomputeContext, "aggregations" | "mapping" | "metrics"> = {
  metrics: new Map(metrics.map((metric) => [metric.key, metric])),
  mapping: defaultEventMapping,
  aggregations: new Map(aggregations.map((one) => [one.name, one]))
}

/** The experiments as jobs of the pipeline, by their keys. */
export const jobs: ReadonlyMap<string, Job> = new Map(
  experiments.map((experiment) => [experiment.key, {
    experiment,
    definitionHash: definitionHash({ ...definitions, experiment, defaults: { engine: "bayesian", confidence: 0.95 } })
  }])
)
