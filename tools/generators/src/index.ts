/** Generators of this repository. nx finds them by generators.json. */
export { aggregation, type Options } from "./aggregation/generator.ts"
export { type Tree, writeAggregation } from "./aggregation/write.ts"
