/** The files of a new aggregation: the same module and test, in a repository of its own or in Assay's workspace. */
export { exportedName, isName, nameRule } from "./name.ts"
export { standaloneAggregation } from "./standalone.ts"
export { thirdParty } from "./versions.ts"
export { withReferences, workspaceAggregation, workspaceFolder } from "./workspace.ts"
