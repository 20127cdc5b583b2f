import { names } from "@assay/example-summaries"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { claim, experiments, fail, open, serve, type Served, snapshot, succeed, summaryOf, tokens } from "./served.ts"

let served: Served
beforeAll(async () => {
  served = await serve()
})
afterAll(() => served.close())

const api = "/api/v1/experiments"

const ask = (path: string, token?: string, init: RequestInit = {}) =>
  fetch(`${served.url}${path}`, {
    redirect: "manual",
    ...init,
    headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...init.headers as object }
  })

const refresh = (experiment: string, token: string = tokens.refresher) =>
  ask(`${api}/${experiment}/refresh`, token, { method: "POST" })

describe("the API", () => {
  it("lists what the token may see, with what the latest results say", async () => {
    const answer = await ask(api, tokens.reader)
    expect(answer.status).toBe(200)
    const { experiments: all } = await answer.json() as { readonly experiments: ReadonlyArray<Record<string, unknown>> }
    expect(new Set(all.map(({ experiment }) => experiment))).toEqual(new Set(Object.keys(experiments)))
    expect(all.length).toBe(Object.keys(experiments).length)
    expect(all.find(({ experiment }) => experiment === "ranking")).toMatchObject({
      results: { verdict: "Do not trust these results", srm: "mismatch", alarms: 1 }
    })
    expect(all.find(({ experiment }) => experiment === "empty")).toMatchObject({ results: null })
    const mine = await (await ask(api, tokens.staging)).text()
    expect(mine).toContain("secret")
    expect(mine).not.toContain("ranking")
  })

  it("answers the latest results, those of a snapshot, and the history", async () => {
    const results = await (await ask(`${api}/checkout/results`, tokens.reader)).json() as unknown
    expect(results).toEqual(summaryOf("checkout", experiments["checkout"]!))
    const { snapshots } = await (await ask(`${api}/checkout/history`, tokens.reader)).json() as {
      readonly snapshots: ReadonlyArray<{ readonly id: string }>
    }
    const one = await ask(`${api}/checkout/results?snapshot=${snapshots[0]!.id}`, tokens.reader)
    expect(await one.json()).toEqual(results)
    expect((await ask(`${api}/checkout/results?snapshot=nope`, tokens.reader)).status).toBe(404)
    expect((await ask(`${api}/empty/results`, tokens.reader)).status).toBe(404)
  })

  it("takes a known token, sent as a bearer", async () => {
    for (const token of [undefined, "", "wrong", tokens.reader.toUpperCase()]) {
      const answer = await ask(api, token)
      expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([401, "Bearer"])
    }
    expect((await ask(api, undefined, { headers: { authorization: "Basic cmVhZGVyOg==" } })).status).toBe(401)
  })

  it("refuses what the scopes don't allow, before it looks whether there is such a thing", async () => {
    expect((await refresh("checkout", tokens.reader)).status).toBe(403)
    expect((await refresh("nonsense", tokens.reader)).status).toBe(403)
    expect((await ask(`${api}/checkout/results`, tokens.writer)).status).toBe(403)
    expect((await ask(`${api}/nonsense/results`, tokens.writer)).status).toBe(403)
    expect((await ask("/metrics", tokens.writer)).status).toBe(403)
  })

  it("accepts a refresh with 202 and Retry-After, and joins those who ask while it is open", async () => {
    const first = await refresh("checkout")
    expect([first.status, first.headers.get("retry-after")]).toEqual([202, "1"])
    const { queued, run } = await first.json() as { readonly queued: boolean; readonly run: { readonly id: string } }
    expect(queued).toBe(true)
    expect(await (await refresh("checkout")).json()).toMatchObject({ queued: false, run: { id: run.id } })
    const taken = await served.run(claim)
    expect(taken.run.id).toBe(run.id)
    await served.run(succeed(taken, "2026-01-20T00:00:00.000Z"))
    const { as_of } = await (await ask(`${api}/checkout/results`, tokens.reader)).json() as { readonly as_of: string }
    expect(as_of).toBe("2026-01-20T00:00:00.000Z")
  })

  it("lets a run that succeeded make the next one wait, but not one that failed", async () => {
    expect((await refresh("ranking")).status).toBe(202)
    await served.run(fail(await served.run(claim)))
    expect((await refresh("ranking")).status).toBe(202)
    await served.run(succeed(await served.run(claim), "2026-01-21T00:00:00.000Z"))
    const hasty = await refresh("ranking")
    expect(hasty.status).toBe(429)
    expect(Number(hasty.headers.get("retry-after"))).toBeGreaterThan(50)
    expect(await hasty.json()).toMatchObject({ _tag: "TooOften", code: "too_often" })
  })

  it("tells how a refresh goes as events, to its end", async () => {
    expect((await refresh("empty")).status).toBe(202)
    const answer = await ask(`${api}/empty/progress`, tokens.reader)
    expect(answer.headers.get("content-type")).toContain("text/event-stream")
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
    let seen = ""
    const until = async (part: string) => {
      while (!seen.includes(part)) {
        const { done, value } = await reader.read()
        if (done) throw new Error(`ended without ${part}: ${seen}`)
        seen += value
      }
    }
    await until("event: queued")
    const taken = await served.run(claim)
    await served.run(taken.beat({ stage: "query", rows_read: 1200, total_rows: 4000, elapsed_ms: 10 }))
    await until("\"rows_read\":1200")
    await served.run(fail(taken))
    await until("event: failed")
    expect((await reader.read()).done).toBe(true)
    expect(seen).toContain("The query took longer than 600 s.")
  })

  it("writes down who asked for a refresh, and what was answered", () => {
    const lines = readFileSync(served.audit, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as object)
    expect(lines[0]).toMatchObject({ experiment: "checkout", by: "refresher", address: "127.0.0.1", outcome: "queued" })
    expect(lines.map((line) => "outcome" in line ? line.outcome : "")).toContain("too often")
  })

  it("tells Prometheus the age of results, mismatches and runs", async () => {
    const text = await (await ask("/metrics", tokens.reader)).text()
    expect(text).toMatch(/^assay_result_age_seconds\{experiment="checkout"\} \d+/m)
    expect(text).toMatch(/^assay_sample_ratio_mismatch\{experiment="ranking"\} 1$/m)
    expect(text).toMatch(/^assay_runs_failed 1$/m)
    for (const line of text.trimEnd().split("\n")) expect(line).toMatch(/^(# (HELP|TYPE) .+|[a-z_]+(\{.*\})? \S+)$/)
  })

  it("says without a token that it lives and is ready, and nothing else", async () => {
    expect(await (await ask("/healthz")).text()).toBe("{\"status\":\"ok\"}")
    expect(await (await ask("/readyz")).text()).toBe("{\"status\":\"ok\"}")
  })

  it("limits how often a token asks", async () => {
    const hasty = await serve({
      rates: { requests: { burst: 3, perMinute: 6 }, strangers: { burst: 2, perMinute: 6 } }
    })
    const statuses = async (token: string) => {
      const all: Array<number> = []
      for (let i = 0; i < 5; i++) {
        const answer = await fetch(`${hasty.url}${api}`, { headers: { authorization: `Bearer ${token}` } })
        all.push(answer.status)
        if (answer.status === 429) expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0)
      }
      return all
    }
    expect(await statuses(tokens.reader)).toEqual([200, 200, 200, 429, 429])
    expect(await statuses("wrong")).toEqual([401, 401, 429, 429, 429])
    await hasty.close()
  })
})

describe("the pages", () => {
  const signIn = async (token: string) => {
    const answer = await ask("/sign-in", undefined, {
      method: "POST",
      body: new URLSearchParams({ token, next: "/experiments/checkout" })
    })
    return { answer, cookie: answer.headers.get("set-cookie")?.split(";")[0] ?? "" }
  }
  const page = async (path: string, cookie: string) => {
    const answer = await ask(path, undefined, { headers: { cookie } })
    return { status: answer.status, html: await answer.text(), headers: answer.headers }
  }

  it("ask to sign in, and go on to where one wanted", async () => {
    const { html, status } = await page("/experiments/checkout", "")
    expect(status).toBe(401)
    expect(html).toContain("name=\"token\"")
    expect(html).not.toContain("one_page")
    const { answer } = await signIn(tokens.reader)
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/experiments/checkout"])
    expect(answer.headers.get("set-cookie")).toMatch(/HttpOnly/i)
    expect(answer.headers.get("set-cookie")).toMatch(/SameSite=Lax/i)
    expect((await signIn("wrong")).answer.status).toBe(401)
  })

  it("go nowhere else, whatever a link says", async () => {
    for (const next of ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"]) {
      const answer = await ask("/sign-in", undefined, {
        method: "POST",
        body: new URLSearchParams({ token: tokens.reader, next })
      })
      expect(answer.headers.get("location")).toBe("/")
    }
  })

  it("don't take a session that was made up or is another's", async () => {
    const { cookie } = await signIn(tokens.staging)
    const [name, value = ""] = cookie.split("=")
    const [, until, signature] = value.split(".")
    const forged = `${name}=${Buffer.from("reader").toString("base64url")}.${until}.${signature}`
    for (const bad of [forged, `${cookie}x`, `${name}=`, `${name}=..`, `${name}=a.b.c.d`]) {
      expect((await page("/", bad)).status).toBe(401)
    }
    const mine = await page("/", cookie)
    expect(mine.html).toContain("secret")
    expect(mine.html).not.toContain("ranking")
    expect((await page("/experiments/checkout", cookie)).status).toBe(404)
  })

  it("refresh only for a form of this page, of a reader who may", async () => {
    const { cookie } = await signIn(tokens.refresher)
    const { html } = await page(`/experiments/${encodeURIComponent(names.script)}`, cookie)
    const csrf = /name="csrf" value="([^"]+)"\/><button type="submit">Refresh/.exec(html)?.[1] ?? ""
    expect(csrf).not.toBe("")
    const send = (headers: Record<string, string>, proof: string) =>
      ask(`/experiments/${encodeURIComponent(names.script)}/refresh`, undefined, {
        method: "POST",
        headers: { cookie, ...headers },
        body: new URLSearchParams({ csrf: proof })
      })
    expect((await send({}, "")).status).toBe(403)
    expect((await send({ origin: "http://evil.example" }, csrf)).status).toBe(403)
    expect((await send({ "sec-fetch-site": "cross-site" }, csrf)).status).toBe(403)
    const other = await signIn(tokens.reader)
    expect((await send({ cookie: other.cookie }, csrf)).status).toBe(403)
    const good = await send({ "sec-fetch-site": "same-origin" }, csrf)
    expect([good.status, good.headers.get("location")]).toEqual([303, expect.stringContaining("/experiments/")])
    const read = await page("/experiments/checkout", other.cookie)
    expect(read.html).not.toContain(">Refresh<")
    await served.run(fail(await served.run(claim)))
  })

  it("show the last good results and say that the refresh failed, and why; never \"no results\"", async () => {
    const { cookie } = await signIn(tokens.reader)
    const { html, status } = await page(`/experiments/${encodeURIComponent(names.script)}`, cookie)
    expect(status).toBe(200)
    expect(html).toContain("The latest refresh failed")
    expect(html).toContain("The query took longer than 600 s.")
    expect(html).toContain("id=\"scorecard\"")
    expect(html).not.toContain("No results")
    const first = await page("/experiments/empty", cookie)
    expect(first.html).toContain("The latest refresh failed")
  })

  it("show the same numbers at each load, and each older snapshot as it was", async () => {
    const { cookie } = await signIn(tokens.reader)
    const body = async (path: string) => /<div class="body">.*/s.exec((await page(path, cookie)).html)?.[0]
    const first = await body("/experiments/checkout")
    expect(first).toContain("66,269")
    expect(await body("/experiments/checkout")).toBe(first)
    const id = "0-older"
    await served.run(snapshot(summaryOf("checkout", experiments["ranking"]!, "2026-01-02T00:00:00.000Z"), id))
    expect(await body("/experiments/checkout")).toContain("Ship one_page")
    const older = await page(`/experiments/checkout?snapshot=${id}`, cookie)
    expect(older.html).toContain("These results aren't the latest")
    expect(older.html).toContain("61,705")
    expect((await page("/experiments/checkout?snapshot=nope", cookie)).status).toBe(404)
  })

  it("say that results are damaged, and don't step back to older ones", async () => {
    const folder = join(served.root, ".assay/snapshots")
    const secret = readdirSync(folder).find((name) => name.startsWith("secret"))!
    writeFileSync(join(folder, secret, "20260601T000000000Z-damaged.json"), "{")
    const { cookie } = await signIn(tokens.staging)
    expect((await page("/", cookie)).html).toContain("The latest results can't be read.")
    const { html, status } = await page("/experiments/secret", cookie)
    expect(status).toBe(503)
    expect(html).toContain("These results can't be read")
    expect(html).not.toContain(served.root)
  })

  it("carry headers that allow nothing but their own", async () => {
    const { cookie } = await signIn(tokens.reader)
    for (const path of ["/", "/experiments/checkout", "/nowhere", "/healthz"]) {
      const { headers } = await page(path, cookie)
      const policy = headers.get("content-security-policy") ?? ""
      expect(policy).toContain("default-src 'none'")
      expect(policy).not.toContain("unsafe")
      expect(headers.get("x-content-type-options")).toBe("nosniff")
      expect(headers.get("x-frame-options")).toBe("DENY")
    }
  })

  it("take a path of two slashes for nothing but a path", async () => {
    const { cookie } = await signIn(tokens.reader)
    const statuses = await Promise.all(
      ["//", "//?q=a", "//elsewhere.example/"].map(async (path) => (await page(path, cookie)).status)
    )
    expect(statuses.filter((status) => status >= 500)).toEqual([])
  })

  it("answer only this machine where there are no tokens, under its own names", async () => {
    const unlocked = await serve({ access: open })
    expect((await fetch(`${unlocked.url}/`)).status).toBe(200)
    const { request } = await import("node:http")
    const status = await new Promise((resolve, reject) => {
      request(`${unlocked.url}/`, { headers: { host: "evil.example" } }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      }).on("error", reject).end()
    })
    expect(status).toBe(421)
    await unlocked.close()
  })
})
