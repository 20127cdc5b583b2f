/** The container engine of this machine. */
import { getContainerRuntimeClient } from "testcontainers"

// Containers are removed by `removal.ts`, which needs no image of its own; testcontainers' Ryuk would have to be pulled.
process.env["TESTCONTAINERS_RYUK_DISABLED"] ??= "true"

/** The engine's own interface (dockerode). */
export const engine = async () => (await getContainerRuntimeClient()).container.dockerode

/** Whether a container engine answers, found as testcontainers finds it (DOCKER_HOST, sockets, contexts). */
export const engineAnswers = async (): Promise<boolean> => {
  try {
    await (await engine()).ping()
    return true
  } catch {
    return false
  }
}
