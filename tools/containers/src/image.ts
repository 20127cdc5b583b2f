/** The one place that names ClickHouse's image. */
import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { engine } from "./engine.ts"

/** The image that tests run where nothing else is said. */
export const officialImage = "clickhouse/clickhouse-server:25.8"

const isThere = async (name: string): Promise<boolean> => {
  try {
    await (await engine()).getImage(name).inspect()
    return true
  } catch {
    return false
  }
}

const pulled = async (name: string): Promise<boolean> => {
  try {
    const docker = await engine()
    const progress: NodeJS.ReadableStream = await docker.pull(name)
    await new Promise<void>((done, fail) => {
      docker.modem.followProgress(progress, (error: Error | null) => (error === null ? done() : fail(error)))
    })
    return true
  } catch {
    return false
  }
}

/**
 * The image to run: the one that `CLICKHOUSE_IMAGE` names; else the official one, which is pulled; where it can't be, the one that
 * `tools/clickhouse-image` builds, with a line on stderr.
 */
export const imageName = async (): Promise<string> => {
  const given = process.env["CLICKHOUSE_IMAGE"]
  if (given !== undefined && given !== "") return given
  if (await isThere(officialImage) || await pulled(officialImage)) return officialImage
  const build = join(import.meta.dirname, "../../clickhouse-image/src/build.ts")
  const built = execFileSync(process.execPath, [build], { encoding: "utf8" }).trim()
  console.error(`${officialImage} can't be pulled; the tests run on ${built}, made of libchdb.`)
  return built
}
