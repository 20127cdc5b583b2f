/** The API reference as Markdown. Pure. */
import type { Exported } from "./exported.ts"

/** A package and what it exports. */
export interface ReferencePage {
  readonly file: string
  readonly name: string
  readonly description: string
  readonly exported: ReadonlyArray<Exported>
}

/** A docstring as Markdown: links to other names as code, tags as a list. */
const prose = (doc: string): string =>
  doc.replace(/\{@link (\w[\w.]*)\}/g, "`$1`").replace(/^@(\w+) +/gm, (_, tag: string) => `- *${tag}* `)

/** What every name of a package is: its declarations, as TypeScript has them, and what their docstrings say. */
export const packagePage = ({ description, exported, name }: ReferencePage): string => {
  const names = [...new Set(exported.map((one) => one.name))]
  const parts = names.map((one) => {
    const all = exported.filter((other) => other.name === one)
    const docs = all.map(({ doc }) => doc).filter((doc) => doc !== "")
    return `## ${one}\n\n${docs.map((doc) => `${prose(doc)}\n\n`).join("")}\`\`\`ts\n${
      all.map(({ text }) => text).join("\n")
    }\n\`\`\`\n`
  })
  return `# ${name}\n\n${description}\n\n${parts.join("\n")}`
}

/** The list of all packages. */
export const indexPage = (pages: ReadonlyArray<ReferencePage>): string =>
  `# API reference\n\n| package | names | |\n| --- | ---: | --- |\n${
    pages.map(({ description, exported, file, name }) =>
      `| [${name}](${file}) | ${new Set(exported.map((one) => one.name)).size} | ${description} |\n`
    ).join("")
  }`
