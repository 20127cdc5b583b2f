/** The engines by name. */
import { bayesian } from "./bayesian.ts"
import type { Engine } from "./comparison.ts"
import { delta } from "./delta.ts"
import { frequentist } from "./frequentist.ts"
import { sequential } from "./sequential.ts"

export type EngineName = "bayesian" | "delta" | "frequentist" | "sequential"

/** All engines that ship with Assay. `bayesian` is the default. */
export const engines: Readonly<Record<EngineName, Engine>> = { bayesian, delta, frequentist, sequential }

export const defaultEngine: EngineName = "bayesian"
