/** A browser for tests. */
export { chromiumPath, launch } from "./chromium.ts"
export { type Look, looks, open, overflow, unroll, type Watched } from "./looks.ts"
export { type Serving, serving } from "./serving.ts"
