/** `npm run boundaries`: prints every broken rule of this repository's structure, and every broken link; exit code 1 when there is any. */
import { resolve } from "node:path"
import { check } from "./check.ts"
import { show } from "./Finding.ts"
import { checkLinks } from "./links.ts"
import { read } from "./Workspace.ts"

const root = resolve(import.meta.dirname, "../../..")
const workspace = read(root)
const findings = [...check(workspace), ...checkLinks(root)]
for (const finding of findings) console.log(show(finding))
const files = workspace.packages.reduce((sum, one) => sum + one.files.length, 0)
console.log(
  `${
    findings.length === 0 ? "✔" : "✖"
  } boundaries: ${findings.length} findings in ${workspace.packages.length} packages, ${files} files`
)
process.exitCode = findings.length === 0 ? 0 : 1
