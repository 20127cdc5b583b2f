import { createHash } from "node:crypto"

/**
 * The name of the image that is made of these parts. Other parts, names or contents, have another name.
 *
 * @param version libchdb's, such as `26.7.3-stable.1`
 * @param parts each file's name and content
 */
export const tagOf = (version: string, parts: ReadonlyArray<readonly [name: string, content: Uint8Array]>): string => {
  const hash = createHash("sha256").update(version)
  for (const [name, content] of parts) hash.update(`\0${name}\0${content.length}\0`).update(content)
  return `assay/clickhouse:${version.replace(/-.*/, "")}-${hash.digest("hex").slice(0, 12)}`
}
