/** What `assay.config.ts` imports. */
import type { Aggregation } from "@assay/aggregation"
import { count } from "@assay/aggregation-count"
import { mean } from "@assay/aggregation-mean"
import { occurrence } from "@assay/aggregation-occurrence"
import { sum } from "@assay/aggregation-sum"
import { type AssayConfig, defineConfig as define } from "@assay/definitions"
import type { WarehouseConfig } from "@assay/warehouse"

/** The aggregations that every configuration has. */
export const standardAggregations: ReadonlyArray<Aggregation> = [occurrence, count, sum, mean]

/** The configuration of a project; export it as the default of `assay.config.ts`. Everything in it is optional. */
export const defineConfig = (config: AssayConfig<WarehouseConfig>): AssayConfig<WarehouseConfig> => define(config)
