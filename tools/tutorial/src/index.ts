/** What it takes to do a tutorial as it is written. */
export { type Content, packedIn, type Registry, startRegistry } from "./registry.ts"
export { edited, type Step, steps, unseen } from "./steps.ts"
