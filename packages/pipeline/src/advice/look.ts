/** How many of the rows that statements read they need: a look at a part of a table. */
import {
  compileLook,
  compilePartitions,
  compileSize,
  type Plan,
  type Sampling,
  type TableRead
} from "@assay/aggregation"
import type { WarehouseError } from "@assay/model"
import type { Estimate, WarehouseShape } from "@assay/warehouse"
import { Effect } from "effect"
import type { TableFacts } from "./facts.ts"
import { mentions, readsAt } from "./proposals.ts"

/** Rows that are read of a table now, by ClickHouse's estimate, and how many of them are needed, from a look at `looked` rows. */
export interface Needs {
  readonly rows: number
  readonly needed: number
  /** 0 where nothing could be looked at. */
  readonly looked: number
}

/** A look takes about so many rows. */
const lookRows = 2_000_000

/** Granules of a copy are no smaller. */
const leastBlock = 256

/**
 * A sampling of about so many `rows` of those that are in reach of a plan's reads: the partitions of their windows where partitions are told
 * apart by time, else the whole table. Granules shrink with it, so that a copy has as many as the original. `stands` is how many rows the
 * sample stands for.
 */
export const samplingOf = Effect.fn("advice.sampling")(
  function*(
    warehouse: WarehouseShape,
    plan: Plan,
    reads: readonly [TableRead, ...ReadonlyArray<TableRead>],
    facts: TableFacts,
    rows: number
  ): Effect.fn.Return<{ readonly sampling: Sampling; readonly stands: number }, WarehouseError> {
    const whole: Sampling = {
      block: facts.granularity,
      every: 1,
      ...(mentions(facts.partitionKey, reads[0].timestamp)
        ? { partitions: (yield* warehouse.query(compilePartitions(plan, reads))).rows.map(({ id }) => String(id)) }
        : {})
    }
    const { rows: [row] } = yield* warehouse.query(compileSize(plan, facts.at, whole))
    const stands = Number(row?.["rows"])
    const every = Math.max(1, Math.ceil(stands / rows))
    const block = Math.min(facts.granularity, Math.max(leastBlock, Math.round(facts.granularity / every)))
    return { sampling: { ...whole, block, every }, stands }
  }
)

/** What plans over a table (in place of the one that was named) read of it and need of it, added up. */
export const look = Effect.fn("advice.look")(
  function*(
    warehouse: WarehouseShape,
    plans: ReadonlyArray<Plan>,
    facts: TableFacts,
    estimates: ReadonlyArray<Estimate>
  ): Effect.fn.Return<Needs, WarehouseError> {
    const name = `${facts.at.database}.${facts.at.table}`
    const rows = estimates.flatMap(({ tables }) => tables).filter(({ table }) => table === name)
      .reduce((total, one) => total + one.rows, 0)
    if (rows === 0) return { rows, needed: 0, looked: 0 }
    const total = { looked: 0, needed: 0 }
    for (const plan of plans) {
      const [first, ...others] = readsAt(plan, facts.at)
      if (first === undefined) continue
      const reads = [first, ...others] as const
      const { sampling } = yield* samplingOf(warehouse, plan, reads, facts, lookRows)
      const { rows: [row] } = yield* warehouse.query(compileLook(plan, reads, sampling), {
        comment: { assay: "advise" }
      })
      total.looked += Number(row?.["looked"])
      reads.forEach(({ times }, i) => {
        total.needed += times * Number(row?.[`needed${i}`]) * sampling.every
      })
    }
    return { rows, needed: Math.min(rows, total.needed), looked: total.looked }
  }
)
