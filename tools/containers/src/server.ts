/** One ClickHouse server in a container. */
import { createServer } from "node:net"
import { GenericContainer, type StartedNetwork, type StartedTestContainer, Wait } from "testcontainers"
import { clusterXml, type User, users, usersXml } from "./configuration.ts"
import { engine } from "./engine.ts"
import { imageName } from "./image.ts"
import { guard, ownLabels } from "./removal.ts"

/** A server that runs. */
export interface Server {
  /** Its address from this machine, which it keeps when it is started again. */
  readonly url: string
  readonly port: number
  /** Sends a statement over HTTP, without the code under test, and gives the answer's text; an error is thrown with its text. */
  readonly ask: (statement: string, user?: User) => Promise<string>
  /** Ends the server at once, as a crash does. Its data stay. */
  readonly kill: () => Promise<void>
  /** Starts a server that was killed, and waits until it answers. */
  readonly start: () => Promise<void>
  /** Freezes its processes: connections open, and nothing answers. */
  readonly pause: () => Promise<void>
  /**
   * Ends the frozen processes, starts the server anew, and waits until it answers. (The server made of libchdb may abort when it
   * thaws and finds that the other side of its connections has gone.)
   */
  readonly restart: () => Promise<void>
  readonly remove: () => Promise<void>
}

/** What a server may be given. */
export interface ServerOptions {
  /** The network that it joins under a name. */
  readonly network?: { readonly network: StartedNetwork; readonly name: string }
  /** The hosts of the cluster `assay`, one shard each; `localhost` alone where nothing is said. */
  readonly hosts?: ReadonlyArray<string>
  /** More files, by path. */
  readonly files?: Readonly<Record<string, string>>
  /** Folders in memory, of a size. */
  readonly inMemory?: Readonly<Record<string, string>>
}

/** A port of this machine that is free now. */
const freePort = (): Promise<number> =>
  new Promise((done, fail) => {
    const server = createServer()
    server.on("error", fail).listen(0, () => {
      const address = server.address()
      server.close(() => (typeof address === "object" && address !== null ? done(address.port) : fail(address)))
    })
  })

const answered = async (
  url: string,
  { name, password }: User,
  statement: string,
  init: RequestInit = {}
): Promise<string> => {
  const response = await fetch(url, {
    ...init,
    method: "POST",
    body: statement,
    headers: { "X-ClickHouse-User": name, "X-ClickHouse-Key": password }
  })
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return text.trimEnd()
}

const untilItAnswers = async (url: string, seconds: number): Promise<void> => {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    try {
      const signal = AbortSignal.timeout(5_000)
      if ((await answered(url, users.admin, "SELECT 1", { signal })) === "1") return
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
    await new Promise((done) => setTimeout(done, 100))
  }
}

const api = async (container: StartedTestContainer) => (await engine()).getContainer(container.getId())

/** Whether a container didn't start because another process took the port meanwhile. */
const portIsTaken = (error: unknown): boolean => /port is already allocated|address already in use/i.test(String(error))

/** Starts a container at a free port, another one where that was taken before the container had it. */
const placed = async (
  containerAt: (port: number) => GenericContainer,
  tries = 5
): Promise<{ readonly container: StartedTestContainer; readonly port: number }> => {
  const port = await freePort()
  try {
    return { container: await containerAt(port).start(), port }
  } catch (error) {
    if (tries <= 1 || !portIsTaken(error)) throw error
    return placed(containerAt, tries - 1)
  }
}

/** How long a server may take to start on a machine that is busy. */
const START_SECONDS = 120

/** Starts a server with the {@link users} of the tests and waits until it answers. */
export const startServer = async (options: ServerOptions = {}): Promise<Server> => {
  guard()
  const files = {
    "/etc/clickhouse-server/users.d/assay.xml": usersXml,
    "/etc/clickhouse-server/config.d/assay.xml": clusterXml("assay", options.hosts ?? ["localhost"]),
    ...options.files
  }
  const image = await imageName()
  const { container, port } = await placed((port) => {
    const base = new GenericContainer(image)
      .withLabels(ownLabels)
      .withEnvironment({ CLICKHOUSE_SKIP_USER_SETUP: "1" })
      .withExposedPorts({ container: 8123, host: port })
      .withCopyContentToContainer(Object.entries(files).map(([target, content]) => ({ target, content })))
      .withTmpFs({ ...options.inMemory })
      .withWaitStrategy(Wait.forHttp("/ping", 8123).withStartupTimeout(START_SECONDS * 1000))
    return options.network === undefined
      ? base
      : base.withNetwork(options.network.network).withNetworkAliases(options.network.name).withHostname(
        options.network.name
      )
  })
  const url = `http://${container.getHost()}:${port}`
  await untilItAnswers(url, START_SECONDS)
  const kill = async () => void (await (await api(container)).kill())
  const start = async () => {
    await (await api(container)).start()
    await untilItAnswers(url, START_SECONDS)
  }
  return {
    url,
    port,
    ask: (statement, user = users.admin) => answered(url, user, statement),
    kill,
    start,
    pause: async () => void (await (await api(container)).pause()),
    restart: () => kill().then(start),
    remove: async () => void (await (await api(container)).remove({ force: true, v: true }))
  }
}
