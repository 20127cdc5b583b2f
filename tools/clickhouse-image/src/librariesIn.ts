import { basename } from "node:path"

/**
 * The paths of the libraries that `ldd` names, the loader among them, libchdb itself not.
 *
 * @param output what `ldd` printed
 * @throws where a library wasn't found
 */
export const librariesIn = (output: string): ReadonlyArray<string> => {
  const [, missing] = /(\S+) => not found/.exec(output) ?? []
  if (missing !== undefined && missing !== "libchdb.so") {
    throw new Error(`The library ${missing} isn't on this machine.`)
  }
  return [...output.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)]
    .map(([, path]) => path ?? "")
    .filter((path) => basename(path) !== "libchdb.so")
}
