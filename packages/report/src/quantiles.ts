/** Quantiles where parts of the identities are told, in words. */
import { type MetricResult, nameList } from "@assay/model"

/** That the quantiles among some metrics aren't told `where`; undefined where none is one. `visible` shows a foreign name. */
export const quantilesUntold = (
  metrics: ReadonlyArray<MetricResult>,
  where: "by slice" | "over time, but at the end",
  visible: (text: string) => string
): string | undefined => {
  const names = metrics.filter(({ estimand }) => estimand === "quantile").map(({ metric_id }) => visible(metric_id))
  return names.length === 0
    ? undefined
    : `A quantile is one of all identities of an arm: ${nameList(names)} ` +
      `${names.length === 1 ? "isn't" : "aren't"} told ${where}.`
}
