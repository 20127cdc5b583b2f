/** Results summaries as HTML: pure functions of plain data. */
export { type Asset, icon, script, stylesheet } from "./assets.ts"
export {
  emptyPage,
  experimentBody,
  experimentFrame,
  experimentPage,
  type ExperimentView,
  type RefreshState,
  type Served
} from "./experimentPage.ts"
export {
  type Card,
  everything,
  filterCards,
  listPage,
  type ListView,
  type Query,
  type ResultsCard,
  resultsCard
} from "./listPage.ts"
export { messagePage, signInPage } from "./messagePage.ts"
export { verdictOf } from "./verdictSection.ts"
