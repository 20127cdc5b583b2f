/** A TCP proxy between a client and a server that does to the connection what networks do. */
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net"

/** What goes wrong on each connection. */
export type Fault =
  /** Nothing. */
  | { readonly kind: "none" }
  /** The connection is reset once that many bytes of answers went back. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** Connections are accepted and nothing is ever said. */
  | { readonly kind: "silent" }
  /** Answers go back at that rate. */
  | { readonly kind: "slow"; readonly bytesPerSecond: number }
  /** What is asked is changed on its way; the replacement must be as long. */
  | { readonly kind: "rewrite"; readonly from: string; readonly to: string }
  /** Something happens before a request goes on, which waits for it. */
  | { readonly kind: "before"; readonly happens: (path: string) => Promise<void> }

/** A proxy that listens. */
export interface Proxy {
  readonly url: string
  /** The paths that were asked for so far, with their query strings. */
  readonly requests: () => ReadonlyArray<string>
  /** What goes wrong from the next connection on. */
  readonly become: (fault: Fault) => void
  readonly close: () => Promise<void>
}

/** Requests begin a piece of data: a client doesn't send the next one before it has its answer. */
const pathOf = (data: Buffer): ReadonlyArray<string> => {
  const [, path] = /^(?:GET|POST) (\S+) HTTP/.exec(data.toString("latin1")) ?? []
  return path === undefined ? [] : [path]
}

const forward = (client: Socket, port: number, fault: Exclude<Fault, { kind: "silent" }>) => {
  const server = createConnection({ port, host: "127.0.0.1" })
  let sent = 0
  client.on("error", () => server.destroy()).on("close", () => server.destroy())
  let happening: Promise<void> = Promise.resolve()
  // What happens before a request may end the server: the client learns of it afterwards.
  server.on("error", () => {}).on("close", () => void happening.then(() => client.end()))
  const pass = (data: Buffer) => {
    if (server.destroyed) return
    const rewritten = fault.kind === "rewrite"
      ? Buffer.from(data.toString("latin1").replaceAll(fault.from, fault.to), "latin1")
      : data
    server.write(rewritten)
  }
  client.on("data", (data) => {
    const [path] = pathOf(data)
    if (fault.kind !== "before" || path === undefined) return pass(data)
    client.pause()
    happening = fault.happens(path)
    void happening.then(() => {
      pass(data)
      client.resume()
    })
  })
  server.on("data", (data) => {
    if (fault.kind === "slow") {
      server.pause()
      const piece = (from: number): void => {
        if (from >= data.length || client.destroyed) return void server.resume()
        client.write(data.subarray(from, from + Math.ceil(fault.bytesPerSecond / 20)))
        setTimeout(() => piece(from + Math.ceil(fault.bytesPerSecond / 20)), 50)
      }
      return piece(0)
    }
    if (fault.kind !== "cut" || sent + data.length < fault.afterBytes) {
      sent += data.length
      return void client.write(data)
    }
    client.write(data.subarray(0, fault.afterBytes - sent), () => client.resetAndDestroy())
  })
}

/** Starts a proxy to a port of this machine. */
export const faultyProxy = (port: number, fault: Fault): Promise<Proxy> =>
  new Promise((done, fail) => {
    let now = fault
    const requests: Array<string> = []
    const open = new Set<Socket>()
    const proxy = createServer((client) => {
      open.add(client)
      client.on("data", (data) => requests.push(...pathOf(data)))
      client.on("close", () => open.delete(client))
      if (now.kind === "silent") client.on("error", () => {})
      else forward(client, port, now)
    })
    proxy.on("error", fail).listen(0, "127.0.0.1", () => {
      const address = proxy.address() as AddressInfo
      done({
        url: `http://127.0.0.1:${address.port}`,
        requests: () => requests,
        become: (next) => (now = next),
        close: () =>
          new Promise((closed) => {
            proxy.close(() => closed())
            for (const client of open) client.destroy()
          })
      })
    })
  })
