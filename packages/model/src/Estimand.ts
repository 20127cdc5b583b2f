/** What a metric estimates per arm, and the least data that an inference about it needs. */
import { Schema } from "effect"

/**
 * `proportion`: the part of identities with a unit value of 1; `mean`: the mean unit value per identity; `ratio`: Σ of unit
 * column 0 over Σ of unit column 1; `quantile`: a quantile of values, of which each identity has one or any number.
 */
export const EstimandKind = Schema.Literals(["proportion", "mean", "ratio", "quantile"])
export type EstimandKind = typeof EstimandKind.Type

/**
 * The least data for an inference, in each compared arm: so many identities, or so many conversions (Σ of unit column 0), or so many
 * independent values to be expected on the thinner side of a quantile.
 */
export interface Floor {
  readonly kind: "identities" | "conversions" | "values"
  readonly need: number
}

/** How a metric's value is written: as a percentage or a number, with the unit it is counted in. */
export const Display = Schema.Struct({
  format: Schema.Literals(["percent", "number"]),
  unit: Schema.optionalKey(Schema.String)
})
export interface Display extends Schema.Schema.Type<typeof Display> {}
