/** The contract of an aggregation: a value that says how a metric's events become moments and which estimand they serve. */
import type { Display, EstimandKind, Floor } from "@assay/model"
import { Schema } from "effect"
import { accumulators, type Events, type UnitColumn, type ValuedEvents, valuedEvents } from "./Unit.ts"

/** The version of this contract. A plugin made for another one is refused. */
export const contractVersion = 1

/** What is estimated, by the names of the unit columns that it needs. */
export type EstimandOf<Column extends string> =
  | { readonly kind: "proportion" | "mean"; readonly column: Column }
  | { readonly kind: "ratio"; readonly numerator: Column; readonly denominator: Column }

/** An aggregation as its author writes it; see {@link defineAggregation}. */
export interface AggregationDefinition<Options, Column extends string, Reads extends "value" | "nothing"> {
  /** The name that metrics use: lower-case letters, digits and dashes. */
  readonly name: string
  /** The version of the plugin; it stands in every result's provenance. */
  readonly version: string
  /** What a metric may say under `options`. */
  readonly options: Schema.Codec<Options, unknown>
  /** Whether each event must carry a usable number (`events.value`). */
  readonly reads: Reads
  /** One or more unit columns over the metric's events. */
  readonly columns: (scope: {
    readonly events: Reads extends "value" ? ValuedEvents : Events
    readonly options: Options
  }) => Readonly<Record<Column, UnitColumn>>
  /** Which moments the outer query sums, and which test the kernel applies. */
  readonly estimand: EstimandOf<NoInfer<Column>>
  /** The least data below which inference is withheld, beside what is asked of every metric (50 identities in each arm). */
  readonly floors?: ReadonlyArray<Floor>
  /** How the value is shown. */
  readonly display?: Display
}

/** An aggregation bound to a metric's options: unit columns in the order of the estimand's moments. */
export interface BoundAggregation {
  readonly estimand: EstimandKind
  readonly columns: ReadonlyArray<UnitColumn>
}

/** An aggregation as the planner uses it. Made by {@link defineAggregation} only. */
export interface Aggregation {
  readonly contract: typeof contractVersion
  readonly name: string
  readonly version: string
  readonly reads: "value" | "nothing"
  readonly options: Schema.Codec<unknown, unknown>
  readonly estimand: EstimandKind
  readonly floors: ReadonlyArray<Floor>
  readonly display: Display
  /** The unit columns for decoded options. */
  readonly bind: (options: unknown) => BoundAggregation
}

/** Options of an aggregation that has none. */
export const NoOptions: Schema.Codec<object, unknown> = Schema.Struct({})

/**
 * Makes an aggregation. The result is a frozen value; list it in the configuration to use it.
 *
 * @example
 * defineAggregation({
 *   name: "sum", version: "1.0.0", options: NoOptions, reads: "value",
 *   columns: ({ events }) => ({ total: events.sum(events.value) }),
 *   estimand: { kind: "mean", column: "total" }
 * })
 *
 * @throws RangeError when the name, the version or the estimand can't be used; the sentence says why.
 */
export const defineAggregation = <Options, const Column extends string, const Reads extends "value" | "nothing">(
  definition: AggregationDefinition<Options, Column, Reads>
): Aggregation => {
  const { name, version, estimand } = definition
  if (!/^[a-z][a-z0-9-]{0,49}$/.test(name)) {
    throw new RangeError(
      `An aggregation's name is 1 to 50 lower-case letters, digits and dashes: ${JSON.stringify(name)}`
    )
  }
  if (!/^\d+\.\d+\.\d+/.test(version)) {
    throw new RangeError(`Aggregation ${name} needs a version such as 1.0.0, not ${JSON.stringify(version)}`)
  }
  const used: ReadonlyArray<Column> = estimand.kind === "ratio"
    ? [estimand.numerator, estimand.denominator]
    : [estimand.column]
  const bind = (options: unknown): BoundAggregation => {
    const columns = definition.columns({ events: valuedEvents, options: options as Options })
    return {
      estimand: estimand.kind,
      columns: used.map((column) => {
        const unit: UnitColumn | undefined = Object.hasOwn(columns, column) ? columns[column] : undefined
        if (unit === undefined) {
          throw new RangeError(
            `Aggregation ${name}: its estimand needs the unit column "${column}", which columns() doesn't give`
          )
        }
        if (accumulators(unit).length === 0) {
          throw new RangeError(`Aggregation ${name}: the unit column "${column}" doesn't depend on any event`)
        }
        return unit
      })
    }
  }
  const aggregation: Aggregation = {
    contract: contractVersion,
    name,
    version,
    reads: definition.reads,
    options: definition.options,
    estimand: estimand.kind,
    floors: Object.freeze([...(definition.floors ?? [])]),
    display: definition.display ?? { format: estimand.kind === "proportion" ? "percent" : "number" },
    bind
  }
  return Object.freeze(aggregation)
}

/** Whether a value is an aggregation made for this contract. */
export const isAggregation = (value: unknown): value is Aggregation =>
  typeof value === "object" && value !== null && "contract" in value && value.contract === contractVersion &&
  "bind" in value && typeof value.bind === "function"
