/** Checks and scripts of this repository. */
export { check } from "./check.ts"
export { type Exported, exportedFrom } from "./exported.ts"
export { type Finding, show } from "./Finding.ts"
export { type Import, importsOf } from "./importsOf.ts"
export { type Layer, layerOf, layers } from "./layers.ts"
export { anchorsIn, brokenLinks, checkLinks, linksIn, markdownIn } from "./links.ts"
export { lastLine, type Outcome, outcome, type Result, type Task } from "./outcome.ts"
export { type Manifest, type Package, type Project, read, type SourceFile, type Workspace } from "./Workspace.ts"
