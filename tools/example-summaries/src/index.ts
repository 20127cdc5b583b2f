/** Results summaries in every state that a reader may meet. Nothing in them is random. */
export {
  breakdown,
  collecting,
  frequentist,
  hostile,
  inference,
  large,
  metric,
  mismatch,
  names,
  now,
  sequential,
  series,
  shipping,
  statement,
  states,
  summary,
  tooFew
} from "./examples.ts"
