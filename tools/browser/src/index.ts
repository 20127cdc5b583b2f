/** A browser for tests. */
export { chromiumPath, launch } from "./chromium.ts"
export { type Look, looks, open, overflow, type Watched } from "./looks.ts"
