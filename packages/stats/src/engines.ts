/** The engines by name. */
import { bayesian, bayesianWith, type Prior } from "./bayesian.ts"
import type { Engine } from "./comparison.ts"
import { delta } from "./delta.ts"
import { frequentist, type FrequentistOptions, frequentistWith } from "./frequentist.ts"
import { sequential, sequentialWith } from "./sequential.ts"

/** The engines that ship with Assay, by their names. */
export type EngineName = "bayesian" | "delta" | "frequentist" | "sequential"

/** All engines that ship with Assay. `bayesian` is the default. */
export const engines: Readonly<Record<EngineName, Engine>> = { bayesian, delta, frequentist, sequential }

/** The engine where none is chosen. */
export const defaultEngine: EngineName = "bayesian"

/** An engine by its name with its options; those of other engines are ignored. */
export interface EngineOptions extends FrequentistOptions {
  readonly name: EngineName
  /** Mean (0) and scale (`relative`) may be left out. */
  readonly prior?: Pick<Prior, "sd"> & Partial<Prior>
  readonly tuning?: number
}

/** The engine that the options describe; figures out of range are a RangeError. */
export const engineWith = ({ name, prior, tuning, ...rest }: EngineOptions): Engine => {
  switch (name) {
    case "delta":
      return delta
    case "bayesian":
      return prior === undefined ? bayesian : bayesianWith({ prior: { mean: 0, on: "relative", ...prior } })
    case "frequentist":
      return frequentistWith(rest)
    case "sequential":
      return tuning === undefined ? sequential : sequentialWith({ tuning })
  }
}
