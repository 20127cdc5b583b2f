#!/usr/bin/env node
// Starts the command on a Node that can run it: in a checkout from its sources, in an installed package from `dist`.
// Written for old Nodes, too, so that a too old one gets an answer instead of a syntax error.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import module, { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const here = dirname(fileURLToPath(import.meta.url))
const source = join(here, "..", "src", "main.ts")
const built = join(here, "..", "dist", "main.js")
const inCheckout = existsSync(join(here, "..", "tsconfig.json")) && existsSync(source)
const current = Number(process.versions.node.split(".")[0])

// Compiled code is kept in the system's temporary folder: the next start takes a third less time.
const cache = module.enableCompileCache?.()?.directory

/** The Node that npm installed beside us, where there is one. */
const pinnedNode = () => {
  try {
    const bin = join(dirname(createRequire(import.meta.url).resolve("node/package.json")), "bin", "node")
    return existsSync(bin) ? bin : undefined
  } catch {
    return undefined
  }
}

const node = current >= 24 ? process.execPath : pinnedNode()
if (node === undefined) {
  console.error(
    `assay needs Node 24 or newer; this is ${process.version}. Install it (or add it to the project: npm install --save-dev node@24).`
  )
  process.exit(2)
} else if (node === process.execPath && !inCheckout) {
  await import(built)
} else {
  const command = inCheckout ? ["--conditions=@assay/source", source] : [built]
  const child = spawn(node, [...command, ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { ...process.env, ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) }) }
  })
  // A plain `kill` reaches only us. A terminal sends Ctrl-C to the child as well, whom the same one twice doesn't disturb.
  process.on("SIGINT", () => child.kill("SIGINT"))
  process.on("SIGTERM", () => child.kill("SIGTERM"))
  child.on("exit", (code, signal) => {
    process.exit(code ?? (signal === "SIGINT" ? 130 : signal === "SIGTERM" ? 143 : 1))
  })
  child.on("error", (error) => {
    console.error(`assay couldn't start ${node}: ${error.message}`)
    process.exit(2)
  })
}
