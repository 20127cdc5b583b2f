/** What `assay.config.ts` imports. */
import type { Aggregation } from "@assay/aggregation"
import { count } from "@assay/aggregation-count"
import { funnel } from "@assay/aggregation-funnel"
import { mean } from "@assay/aggregation-mean"
import { occurrence } from "@assay/aggregation-occurrence"
import { quantile } from "@assay/aggregation-quantile"
import { ratio } from "@assay/aggregation-ratio"
import { retention } from "@assay/aggregation-retention"
import { sum } from "@assay/aggregation-sum"
import { unique } from "@assay/aggregation-unique"
import { type AssayConfig, defineConfig as define } from "@assay/definitions"
import type { WarehouseConfig } from "@assay/warehouse"

/** The aggregations that every configuration has. */
export const standardAggregations: ReadonlyArray<Aggregation> = [
  occurrence,
  count,
  sum,
  mean,
  quantile,
  ratio,
  unique,
  retention,
  funnel
]

/** The configuration of a project; export it as the default of `assay.config.ts`. Everything in it is optional. */
export const defineConfig = (config: AssayConfig<WarehouseConfig>): AssayConfig<WarehouseConfig> => define(config)
