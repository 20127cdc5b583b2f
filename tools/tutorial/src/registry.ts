/**
 * A small npm registry on this machine: it serves our packed packages, third-party ones in the versions that our lockfile has, and takes
 * what is published to it. Tarballs of third-party packages come from npm's cache by their hashes; only what isn't there is asked of the
 * registry that npm is set to.
 */
import { createHash } from "node:crypto"
import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"
import { createServer, type IncomingMessage } from "node:http"
import { join } from "node:path"

type Json = Readonly<Record<string, unknown>>

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

/** One version of a package: its package.json, and where its tarball is. */
interface Version {
  readonly manifest: Json
  readonly integrity: string
  /** The tarball itself, or where else it is. */
  readonly tarball: Buffer | { readonly url: string }
}

type Packages = Map<string, Map<string, Version>>

/** What a registry is made of. */
export interface Content {
  /** Our packages: each package.json with its tarball. */
  readonly packed: ReadonlyArray<{ readonly manifest: Json; readonly tarball: Buffer }>
  /** The text of a package-lock.json. */
  readonly lockfile: string
  /** The registry that has what isn't here. */
  readonly upstream: string
}

/** A registry that is running. */
export interface Registry {
  readonly url: string
  /** Names and versions that were published to it: `name@version`. */
  readonly published: () => ReadonlyArray<string>
  readonly close: () => Promise<void>
}

const sha512 = (data: Buffer): string => `sha512-${createHash("sha512").update(data).digest("base64")}`

const add = (packages: Packages, { manifest, ...rest }: Version): void => {
  const versions = packages.get(String(manifest["name"])) ?? new Map<string, Version>()
  versions.set(String(manifest["version"]), { manifest, ...rest })
  packages.set(String(manifest["name"]), versions)
}

const fileOf = (name: string, version: string): string => `${name.split("/").at(-1)!}-${version}.tgz`

/** What a lockfile says of third-party packages. */
const locked = (lockfile: string, upstream: string): ReadonlyArray<Version> => {
  const parsed: unknown = JSON.parse(lockfile)
  const entries = isJson(parsed) && isJson(parsed["packages"]) ? Object.entries(parsed["packages"]) : []
  return entries.flatMap(([path, entry]): ReadonlyArray<Version> => {
    const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path) ?? []
    if (name === undefined || !isJson(entry) || typeof entry["integrity"] !== "string") return []
    const version = String(entry["version"])
    const { dev: _, devOptional: __, integrity, optional: ___, peer: ____, resolved: _____, ...manifest } = entry
    return [{
      manifest: { name, ...manifest },
      integrity,
      tarball: { url: `${upstream}/${name}/-/${fileOf(name, version)}` }
    }]
  })
}

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks)
}

/** A package that npm publishes: its version and its tarball. */
const received = (body: unknown): Version => {
  const versions = isJson(body) && isJson(body["versions"]) ? Object.values(body["versions"]) : []
  const attachments = isJson(body) && isJson(body["_attachments"]) ? Object.values(body["_attachments"]) : []
  const [manifest] = versions
  const [attachment] = attachments
  if (!isJson(manifest) || !isJson(attachment)) throw new TypeError("Nothing was published")
  const tarball = Buffer.from(String(attachment["data"]), "base64")
  return { manifest, integrity: sha512(tarball), tarball }
}

/** Starts a registry on a free port of this machine. */
export const startRegistry = async ({ lockfile, packed, upstream }: Content): Promise<Registry> => {
  const packages: Packages = new Map()
  const published: Array<string> = []
  for (const version of locked(lockfile, upstream.replace(/\/$/, ""))) add(packages, version)
  for (const { manifest, tarball } of packed) add(packages, { manifest, integrity: sha512(tarball), tarball })

  const document = (name: string, versions: ReadonlyMap<string, Version>, url: string) => ({
    name,
    "dist-tags": { latest: [...versions.keys()].at(-1) },
    versions: Object.fromEntries(
      [...versions].map(([version, { integrity, manifest }]) => [
        version,
        { ...manifest, dist: { integrity, tarball: `${url}/${name}/-/${fileOf(name, version)}` } }
      ])
    )
  })

  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
    const url = `http://${request.headers.host ?? ""}`
    const path = decodeURIComponent(new URL(request.url ?? "/", url).pathname).slice(1)
    const [name = "", file] = path.split("/-/")
    const versions = packages.get(name)
    if (request.method === "PUT") {
      bodyOf(request).then((body) => {
        const version = received(JSON.parse(body.toString()))
        add(packages, version)
        published.push(`${String(version.manifest["name"])}@${String(version.manifest["version"])}`)
        answer(201, { ok: true })
      }).catch((error: unknown) => answer(400, { error: String(error) }))
    } else if (versions === undefined) answer(404, { error: `${name} isn't in our lockfile, and wasn't published` })
    else if (file === undefined) answer(200, document(name, versions, url))
    else {
      const found = [...versions].find(([version]) => fileOf(name, version) === file)?.[1]
      if (found === undefined) answer(404, { error: `there is no ${file}` })
      else if (Buffer.isBuffer(found.tarball)) response.writeHead(200).end(found.tarball)
      else response.writeHead(302, { location: found.tarball.url }).end()
    }
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    published: () => published,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    }
  }
}

/** Our packages as `npm run pack` left them in a folder. `manifestOf` reads the package.json in a tarball. */
export const packedIn = (folder: string, manifestOf: (tarball: string) => string): Content["packed"] =>
  readdirSync(folder).filter((file) => file.endsWith(".tgz")).map((file) => {
    const manifest: unknown = JSON.parse(manifestOf(join(folder, file)))
    return { manifest: isJson(manifest) ? manifest : {}, tarball: readFileSync(join(folder, file)) }
  })
