/** Before all tests: nothing is left of earlier runs, and one server runs that most of the tests share. */
import type { TestProject } from "vitest/node"
import { engineAnswers, imageName, removeLeftovers, removeOwned, startServer } from "../src/index.ts"
import { load } from "./shop.ts"

declare module "vitest" {
  export interface ProvidedContext {
    readonly port: number
    readonly url: string
  }
}

export const setup = async (project: TestProject) => {
  if (!(await engineAnswers())) {
    throw new Error(
      "No container engine answers. Start one (dockerd), or set DOCKER_HOST; these tests need real servers."
    )
  }
  await removeLeftovers()
  process.env["CLICKHOUSE_IMAGE"] = await imageName()
  // A disk for temporary files that is small.
  const server = await startServer({ inMemory: { "/var/lib/clickhouse/tmp": "rw,size=16m" } })
  await load(server)
  project.provide("url", server.url)
  project.provide("port", server.port)
  return async () => void (await removeOwned())
}
