/**
 * `npm run api -- <folder>`: a reference of what the published packages export, as Markdown: each name with its declaration and docstring.
 * It is made of the compiled declarations, so it never says anything else than the types.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { exportedFrom } from "./exported.ts"
import { indexPage, packagePage } from "./reference.ts"
import { read } from "./Workspace.ts"

const root = resolve(import.meta.dirname, "../../..")

const [folder, ...others] = process.argv.slice(2)
if (folder === undefined || others.length > 0 || folder.startsWith("-")) {
  console.error("Name the folder for the pages: npm run api -- <folder>")
  process.exit(2)
}
const out = resolve(folder)

const packages = read(root).packages.filter(({ manifest }) => manifest.isPublished)
const unbuilt = packages.filter(({ directory }) => !existsSync(join(root, directory, "dist/index.d.ts")))
if (unbuilt.length > 0) {
  console.error(`${unbuilt.map(({ directory }) => directory).join(", ")}: not built. Run npm run types first.`)
  process.exit(1)
}

mkdirSync(out, { recursive: true })
const pages = packages.map(({ directory, manifest }) => ({
  file: `${basename(directory)}.md`,
  name: manifest.name,
  description: manifest.description,
  intro: readFileSync(join(root, directory, "README.md"), "utf8"),
  exported: exportedFrom(root, `${directory}/dist/index.d.ts`)
}))
for (const page of pages) writeFileSync(join(out, page.file), packagePage(page))
writeFileSync(join(out, "README.md"), indexPage(pages))
const count = pages.reduce((sum, { exported }) => sum + exported.length, 0)
console.log(`${count} names of ${pages.length} packages in ${out}`)
