/** The engines by name. */
import { bayesian } from "./bayesian.ts"
import type { Engine } from "./comparison.ts"
import { delta } from "./delta.ts"

export type EngineName = "bayesian" | "delta"

/** All engines that ship with Assay. `bayesian` is the default. */
export const engines: Readonly<Record<EngineName, Engine>> = { bayesian, delta }

export const defaultEngine: EngineName = "bayesian"
