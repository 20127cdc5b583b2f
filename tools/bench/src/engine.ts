/** Where statements are measured. */
import type { Statement } from "@assay/model"
import { Warehouse, type WarehouseConfig } from "@assay/warehouse"
import { Effect, Layer } from "effect"

/**
 * A warehouse that doesn't remember where a filter found nothing: a statement would read less each time it runs, so that rounds, and benchmarks of
 * the same statements one after the other, measured different things.
 */
export const forgetful = (config: WarehouseConfig): ReturnType<typeof Warehouse.layer> =>
  Layer.effect(
    Warehouse,
    Effect.map(Warehouse, (warehouse) => {
      const plain = (statement: Statement): Statement => ({
        ...statement,
        settings: { ...statement.settings, use_query_condition_cache: 0 }
      })
      return {
        ...warehouse,
        query: (statement, options) => warehouse.query(plain(statement), options),
        command: (statement, options) => warehouse.command(plain(statement), options)
      }
    })
  ).pipe(Layer.provide(Warehouse.layer(config)))
