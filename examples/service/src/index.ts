/** An example: a service that embeds the pipeline, with a store of its own. */
export { definitions, jobs } from "./definitions.ts"
export { jsonLines } from "./jsonLines.ts"
export { service } from "./service.ts"
