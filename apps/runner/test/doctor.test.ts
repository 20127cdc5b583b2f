/** What doctor finds on the way to a server, and how it is mended. */
import { writeFileSync } from "node:fs"
import { createServer, type RequestListener, type Server } from "node:http"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { isAtLeast } from "../src/checks/connection.ts"
import { assay, project } from "./assay.ts"

const servers: Array<Server> = []
afterAll(() => servers.forEach((server) => server.close().closeAllConnections()))

const listen = (handler: RequestListener): Promise<string> =>
  new Promise((done) => {
    const server = createServer(handler).listen(0, "127.0.0.1", () => {
      const address = server.address()
      done(`http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`)
    })
    servers.push(server)
  })

/** Answers `/ping`, and each query with one row. */
const answering = (row: Readonly<Record<string, unknown>>) =>
  listen((request, response) => {
    request.resume().on("end", () =>
      response.end(
        request.url?.startsWith("/ping") === true ? "Ok.\n" : JSON.stringify({
          meta: Object.keys(row).map((name) => ({ name, type: "String" })),
          data: [Object.values(row)],
          rows: 1,
          statistics: { elapsed: 0, rows_read: 1, bytes_read: 1 }
        })
      ))
  })

const doctor = (warehouse: string, more = "") =>
  assay(["doctor"], {
    cwd: project({
      "assay.config.ts": `import { defineConfig } from "@assay/runner"
export default defineConfig({ warehouse: { retries: 0, ${warehouse} } ${more} })
`
    })
  })

describe("doctor", () => {
  it.each([
    ["a name that isn't one", "url: \"http://no-such-host.invalid:8123\"", /BROKEN Name: .*host name/],
    [
      "a port where nothing listens",
      "url: \"http://127.0.0.1:1\"",
      /BROKEN Connection: .*ECONNREFUSED.*\n +Check warehouse\.url/
    ],
    [
      "a secret that is missing",
      "url: \"http://127.0.0.1:1\", password: { env: \"ASSAY_NOT_SET\" }",
      /BROKEN Secrets: .*ASSAY_NOT_SET/
    ],
    [
      "a certificate that isn't there",
      "url: \"https://127.0.0.1:1\", tls: { ca: \"ca.pem\" }",
      /BROKEN Secrets: .*ca\.pem/
    ]
  ])("names %s, and looks no further on that way", async (_, warehouse, found) => {
    const { code, stdout } = await doctor(warehouse)
    expect(code).toBe(1)
    expect(stdout).toMatch(found)
    expect(stdout).not.toMatch(/Events/)
    expect(stdout).toMatch(/^ok {5}Embedded: /m)
  })

  it("tells something that isn't ClickHouse, and TLS where there is none", async () => {
    const url = await listen((_, response) => void response.writeHead(403).end("no"))
    expect((await doctor(`url: "${url}"`)).stdout).toMatch(/BROKEN HTTP: .*HTTP 403/)
    expect((await doctor(`url: "${url.replace("http:", "https:")}"`)).stdout).toMatch(/BROKEN TLS: .*doesn't speak TLS/)
  })

  it("tells a version that is too old, and warns of a clock that is off", async () => {
    const url = await answering({ version: "24.7.1.1", user: "ann", database: "shop", now: Date.now() + 60_000 })
    const { code, stdout } = await doctor(`url: "${url}"`)
    expect(code).toBe(1)
    expect(stdout).toMatch(/BROKEN Warehouse: ClickHouse 24\.7\.1\.1\n +Use ClickHouse 24\.8 or newer/)
    expect(stdout).toMatch(/^warn {3}Clock: the server's clock is (5\d|60)\.\d s ahead of this machine's/m)
    expect(stdout).toMatch(/^ok {5}Credentials: as ann$/m)
  })

  it("looks at the connection for results under its own name", async () => {
    const url = await answering({ version: "26.7.1.1", user: "ann", database: "shop", now: Date.now() })
    const { code, stdout } = await doctor(`url: "${url}"`, ", results: { url: \"http://127.0.0.1:1\" }")
    expect(code).toBe(1)
    expect(stdout).toMatch(/BROKEN Results connection: .*\n +Check results\.url/)
  })

  it.each([
    ["24.8", true],
    ["24.8.4.13", true],
    ["24.12.1.1", true],
    ["25.1", true],
    ["24.7.99.9", false],
    ["23.12.1.1", false]
  ])("takes %s for a supported version: %s", (found, supported) => {
    expect(isAtLeast(found, "24.8")).toBe(supported)
  })
})

describe("doctor, where exposures have a table of their own,", () => {
  const mapping = (exposures: string) =>
    `import { defineConfig } from "@assay/runner"
export default defineConfig({
  events: {
    columns: { environment: "env", timestamp: "at" },
    json: {},
    exposures: {
      table: "exposures",
      columns: { feature: "flag", variant: "arm", timestamp: "at" },
      identities: { identifier: "who" }
    }
  },
  setup: [
    { text: "CREATE TABLE events (env String, event String, identifier String, at DateTime, value String) ENGINE = Memory" },
    { text: "CREATE TABLE ${exposures} (flag String, arm String, who String, at DateTime) ENGINE = Memory" }
  ]
})
`
  it("asks for no feature among the events", async () => {
    const { stdout } = await assay(["doctor"], { cwd: project({ "assay.config.ts": mapping("exposures") }) })
    expect(stdout).toMatch(/^ok {5}Events: /m)
    expect(stdout).toMatch(/^ok {5}Exposures: /m)
  })

  it("names the key of a table that isn't there", async () => {
    const { stdout } = await assay(["doctor"], { cwd: project({ "assay.config.ts": mapping("others") }) })
    expect(stdout).toMatch(/BROKEN Exposures: there is no table exposures.*\n +Set events\.exposures\.table/)
  })
})

it("doctor opens a store that is there already", async () => {
  const cwd = project({ "assay.config.ts": "export default { store: { file: \"kept.sqlite\" } }\n" })
  expect((await assay(["doctor"], { cwd })).stdout).toMatch(/^ok {5}Store: kept\.sqlite$/m)
  writeFileSync(join(cwd, "kept.sqlite"), "Not a database. ".repeat(100))
  const { code, stdout } = await assay(["doctor"], { cwd })
  expect(code).toBe(1)
  expect(stdout).toMatch(/BROKEN Store: .*kept\.sqlite: file is not a database/)
})
