/** A results summary as people read it. */
export { scorecard, type ScorecardOptions } from "./scorecard.ts"
