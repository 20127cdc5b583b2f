/** docs/page.md: its requests are sent, and its answers are what comes back. */
import { decode } from "@assay/model"
import { Result, Schema } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { TokenEntry } from "../src/serve/access.ts"
import { repository } from "./assay.ts"
import { claim, serve, type Served, succeed, tokens } from "./served.ts"

const page = readFileSync(join(repository, "docs/page.md"), "utf8")

/** Blocks of code with their language, in order. */
const blocks = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({
  language: language!,
  text: text!
}))

/** The requests of a block: what curl would do with these options. */
const requests = (text: string) =>
  text.trim().split("\n").filter((line) => line.startsWith("curl ")).map((line) => {
    const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!).slice(1)
    const headers = new Headers()
    let method = "GET"
    let url = ""
    for (let word = words.shift(); word !== undefined; word = words.shift()) {
      if (word === "-H") {
        const [name, ...value] = words.shift()!.split(": ")
        headers.append(name!, value.join(": ").replace("$TOKEN", tokens.refresher))
      } else if (word === "-X") method = words.shift()!
      else if (word.startsWith("$ASSAY/")) url = word.slice("$ASSAY".length)
      else if (word !== "-N") throw new Error(`curl ${word}?`)
    }
    return { method, url, headers }
  })

/** Whether an answer holds what is shown of it: every key, and every element of a list somewhere in it. */
const holds = (answer: unknown, shown: unknown): boolean =>
  Array.isArray(shown)
    ? Array.isArray(answer) && shown.every((one) => answer.some((other) => holds(other, one)))
    : typeof shown === "object" && shown !== null
    ? typeof answer === "object" && answer !== null &&
      Object.entries(shown).every(([key, value]) => holds((answer as Readonly<Record<string, unknown>>)[key], value))
    : answer === shown

let served: Served
beforeAll(async () => {
  served = await serve()
})
afterAll(() => served.close())

describe("the requests of docs/page.md", () => {
  it("are answered as it says", async () => {
    const asked: Array<string> = []
    for (const [i, block] of blocks.entries()) {
      if (block.language !== "sh") continue
      for (const { headers, method, url } of requests(block.text)) {
        const answer = await fetch(`${served.url}${url}`, { method, headers })
        expect([url, answer.status]).toEqual([url, method === "POST" ? 202 : 200])
        // The refresh is run, so that following it comes to an end.
        if (method === "POST") await served.run(succeed(await served.run(claim), "2026-02-01T00:00:00.000Z"))
        const text = await answer.text()
        const next = blocks[i + 1]
        if (next?.language === "json") {
          expect([url, holds(JSON.parse(text), JSON.parse(next.text))]).toEqual([url, true])
        }
        if (next?.language === "text") expect(text).toContain(next.text)
        asked.push(url)
      }
    }
    const { paths } = await (await fetch(`${served.url}/openapi.json`)).json() as { readonly paths: object }
    expect(new Set(asked.map((url) => url.replace("/checkout/", "/{experiment}/")))).toEqual(
      new Set(Object.keys(paths))
    )
  })

  it("come with a file of tokens that is taken", () => {
    const { text } = blocks.find(({ text }) => text.includes("sha256"))!
    const decoded = decode(Schema.Struct({ tokens: Schema.Array(TokenEntry) }), JSON.parse(text) as unknown)
    expect(Result.isSuccess(decoded)).toBe(true)
  })
})
