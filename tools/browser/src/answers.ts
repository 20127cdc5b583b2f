/** `node tools/browser/src/answers.ts`: exit code 0 where Chromium is found, 1 where it isn't. */
import { chromiumPath } from "./chromium.ts"

process.exit(chromiumPath() === undefined ? 1 : 0)
