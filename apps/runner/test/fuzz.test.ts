import { names } from "@assay/example-summaries"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { experiments, serve, type Served, tokens } from "./served.ts"

/** As much of a JSON Schema as the description uses. */
interface Shape {
  readonly $ref?: string
  readonly type?: string
  readonly enum?: ReadonlyArray<unknown>
  readonly anyOf?: ReadonlyArray<Shape>
  readonly items?: Shape
  readonly properties?: Readonly<Record<string, Shape>>
  readonly required?: ReadonlyArray<string>
  readonly additionalProperties?: boolean | Shape
}

interface Answer {
  readonly content?: Readonly<Record<string, { readonly schema: Shape }>>
}

interface Operation {
  readonly parameters?: ReadonlyArray<{ readonly in: string; readonly name: string }>
  readonly responses: Readonly<Record<string, Answer>>
  readonly security?: ReadonlyArray<unknown>
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Shape>> }
}

let served: Served
let description: Description
beforeAll(async () => {
  served = await serve()
  description = await (await fetch(`${served.url}/openapi.json`)).json() as Description
})
afterAll(() => served.close())

const typeOf = (value: unknown): string => value === null ? "null" : Array.isArray(value) ? "array" : typeof value

/** Where a value isn't of the shape that is described. */
const misfits = (shape: Shape, value: unknown, path = "$"): ReadonlyArray<string> => {
  const { $ref, additionalProperties, anyOf, items, properties = {}, required = [], type } = shape
  if ($ref !== undefined) return misfits(description.components.schemas[$ref.split("/").at(-1)!]!, value, path)
  if (anyOf !== undefined) {
    return anyOf.some((one) => misfits(one, value, path).length === 0) ? [] : [`${path} is none of ${anyOf.length}`]
  }
  if (shape.enum !== undefined && !shape.enum.includes(value)) return [`${path} isn't in the list`]
  const found = typeOf(value)
  if (type !== undefined && found !== (type === "integer" ? "number" : type)) {
    return [`${path} is ${found}, not ${type}`]
  }
  if (Array.isArray(value)) return items === undefined ? [] : value.flatMap((one) => misfits(items, one, `${path}[]`))
  if (typeof value !== "object" || value === null) return []
  return [
    ...required.filter((key) => !(key in value)).map((key) => `${path}.${key} is missing`),
    ...Object.entries(value).flatMap(([key, one]) => {
      const known = Object.hasOwn(properties, key) ? properties[key] : additionalProperties
      return known === false
        ? [`${path}.${key} isn't described`]
        : typeof known === "object"
        ? misfits(known, one, `${path}.${key}`)
        : []
    })
  ]
}

/** Answers that any request may get, whatever it asks for: bad input, another site, too large. */
const always = [400, 403, 404, 405, 413]

const RUNS = 60

const text = fc.oneof(
  fc.constantFrom(...Object.keys(experiments), ...Object.values(names)),
  fc.constantFrom("..", ".", "%", "%00", "%2e%2e", "a/b", "'; DROP TABLE runs; --", "{}", "__proto__", "constructor"),
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.string({ minLength: 1, maxLength: 20 })
)

const authorization = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...Object.values(tokens)).map((token) => `Bearer ${token}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("", "Bearer", "Bearer  ", "Basic eDp5", "bearer x", `Bearer ${"x".repeat(4000)}`)
  }
)

/** The pieces of a request that headers and URLs can hold: what fetch itself refuses never gets to the server. */
const escaped = (part: string): string => encodeURIComponent(part.toWellFormed())

const request = (path: string, method: string, operation: Operation) =>
  fc.record({
    values: fc.array(text, { minLength: 4, maxLength: 4 }),
    query: fc.dictionary(
      fc.oneof(fc.constantFrom(...(operation.parameters ?? []).map(({ name }) => name), "x"), text),
      text,
      { maxKeys: 3 }
    ),
    authorization,
    body: fc.oneof(fc.constant(undefined), fc.json(), fc.string({ unit: "binary", maxLength: 2000 })),
    type: fc.constantFrom("application/json", "text/plain", "application/x-www-form-urlencoded", "x")
  }).map(({ authorization, body, query, type, values }) => {
    let i = 0
    const filled = path.replaceAll(/\{[^}]+\}/g, () => escaped(values[i++]!))
    const search = Object.entries(query).map(([key, value]) => `${escaped(key)}=${escaped(value)}`).join("&")
    return {
      url: `${filled}${search === "" ? "" : `?${search}`}`,
      init: {
        method: method.toUpperCase(),
        headers: { authorization, "content-type": type },
        ...(method === "get" || body === undefined ? {} : { body: body.toWellFormed() })
      }
    }
  })

/** The beginning of an answer: an event stream may go on for long. */
const beginning = async (answer: Response): Promise<string> => {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  const first = await reader?.read()
  if (!(answer.headers.get("content-type") ?? "").includes("event-stream")) {
    let all = first?.value ?? ""
    for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) all += next.value
    return all
  }
  await reader?.cancel()
  return first?.value ?? ""
}

describe("every endpoint of the OpenAPI description", () => {
  it("is described with its answers and its security", () => {
    const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation }))
    )
    expect(operations.length).toBe(10)
    for (const { operation, path } of operations) {
      const isOpen = path === "/healthz" || path === "/readyz"
      expect(operation.security ?? []).toHaveLength(isOpen ? 0 : 1)
      expect(Object.keys(operation.responses)).toContain(path.endsWith("/refresh") ? "202" : "200")
    }
  })

  it("is compared with what it says", () => {
    const shape: Shape = {
      type: "object",
      required: ["a", "b"],
      properties: { a: { type: "integer" }, b: { anyOf: [{ type: "null" }, { enum: ["x"] }] } },
      additionalProperties: false
    }
    expect(misfits(shape, { a: 1, b: null })).toEqual([])
    expect(misfits(shape, { a: "1", c: 2 })).toEqual([
      "$.b is missing",
      "$.a is string, not integer",
      "$.c isn't described"
    ])
    expect(misfits(shape, { a: 1, b: "y" })).toEqual(["$.b is none of 2"])
  })

  it("answers anything with what is described, and never with an error of its own, a trace or a secret", async () => {
    const seen = new Map<number, number>()
    const compared = new Set<string>()
    for (const [path, methods] of Object.entries(description.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        const described = Object.keys(operation.responses).map(Number)
        await fc.assert(
          fc.asyncProperty(request(path, method, operation), async ({ init, url }) => {
            const answer = await fetch(`${served.url}${url}`, { redirect: "manual", ...init })
            const body = await beginning(answer)
            seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1)
            expect([...described, ...always]).toContain(answer.status)
            const shape = operation.responses[answer.status]?.content?.["application/json"]?.schema
            // A refusal that comes before the endpoint has the two fields that all have.
            const refused = !described.includes(answer.status) || !body.includes("_tag")
            if (shape !== undefined && (answer.ok || !refused)) {
              expect(misfits(shape, JSON.parse(body))).toEqual([])
              compared.add(`${path} ${answer.status}`)
            }
            expect(answer.status).toBeLessThan(500)
            expect(body).not.toMatch(/\bat .+\.(ts|js):\d+|node_modules|"stack"/)
            expect(body).not.toContain(served.root)
            for (const token of Object.values(tokens)) expect(body).not.toContain(token)
          }),
          { numRuns: RUNS }
        )
      }
    }
    console.log(`fuzzed: ${JSON.stringify(Object.fromEntries(seen))}`)
    expect([...compared]).toEqual(expect.arrayContaining(["/api/v1/experiments 200", "/api/v1/experiments 401"]))
    expect([...seen.keys()]).toEqual(expect.arrayContaining([200, 400, 401, 404]))
  })

  it("answers of what there is what is described", async () => {
    const compared: Array<string> = []
    for (const [path, { get }] of Object.entries(description.paths)) {
      const shape = get?.responses["200"]?.content?.["application/json"]?.schema
      if (shape === undefined) continue
      const answer = await fetch(`${served.url}${path.replace("{experiment}", "checkout")}`, {
        headers: { authorization: `Bearer ${tokens.reader}` }
      })
      expect([path, answer.status, misfits(shape, await answer.json())]).toEqual([path, 200, []])
      compared.push(path.split("/").at(-1)!)
    }
    expect(compared.toSorted()).toEqual(["experiments", "findings", "healthz", "history", "readyz", "results", "runs"])
  })

  it("answers methods that it doesn't have with no error of its own", async () => {
    for (const path of Object.keys(description.paths)) {
      for (const method of ["PUT", "PATCH", "DELETE", "OPTIONS"]) {
        const answer = await fetch(`${served.url}${path.replace("{experiment}", "checkout")}`, {
          method,
          headers: { authorization: `Bearer ${tokens.refresher}` }
        })
        expect([method, path, answer.status]).toEqual([method, path, 404])
      }
    }
  })
})

describe("whoever may not", () => {
  /** Status, body and headers, but for the time. */
  const answerTo = async (method: string, path: string, headers: Readonly<Record<string, string>>) => {
    const answer = await fetch(`${served.url}${path}`, { method, headers, redirect: "manual" })
    const { date: _, ...rest } = Object.fromEntries(answer.headers)
    return { status: answer.status, body: await beginning(answer), headers: rest }
  }

  /** Every operation that takes a token, and the scope that it takes. */
  const guarded = () =>
    Object.entries(description.paths).flatMap(([path, methods]) =>
      Object.entries(methods).filter(([, { security = [] }]) => security.length > 0).map(([method]) => ({
        path,
        method: method.toUpperCase(),
        wrongScope: method === "post" ? tokens.reader : tokens.writer
      }))
    )

  const there = "checkout"
  const hidden = "secret"
  const nowhere = "no-such-thing"

  it("is answered the same for what there is, what is hidden, and what there isn't, on every endpoint", async () => {
    const statuses: Array<readonly [string, ReadonlyArray<number>]> = []
    for (const { method, path, wrongScope } of guarded()) {
      const ask = (experiment: string, token?: string) =>
        answerTo(
          method,
          path.replace("{experiment}", experiment),
          token === undefined ? {} : { authorization: `Bearer ${token}` }
        )
      const stranger = await ask(there)
      const wrong = await ask(there, "assay_wrong")
      const scope = await ask(there, wrongScope)
      statuses.push([`${method} ${path}`, [stranger.status, wrong.status, scope.status]])
      if (!path.includes("{experiment}")) continue
      for (const other of [hidden, nowhere]) {
        expect(await ask(other)).toEqual(stranger)
        expect(await ask(other, "assay_wrong")).toEqual(wrong)
        expect(await ask(other, wrongScope)).toEqual(scope)
      }
      const unseen = await ask(hidden, tokens.refresher)
      expect([path, unseen.status]).toEqual([path, 404])
      expect(await ask(nowhere, tokens.refresher)).toEqual(unseen)
      expect(unseen.body).not.toContain(hidden)
    }
    expect(statuses.length).toBe(8)
    expect(statuses).toEqual(statuses.map(([operation]) => [operation, [401, 401, 403]]))
  })

  it("finds another environment's experiment neither in lists and figures, nor by the id of its results", async () => {
    const headers = { authorization: `Bearer ${tokens.refresher}` }
    for (const path of ["/api/v1/experiments", "/metrics"]) {
      const { body, status } = await answerTo("GET", path, headers)
      expect(status).toBe(200)
      expect(body).toContain(there)
      expect(body).not.toContain(hidden)
    }
    const history = await answerTo("GET", `/api/v1/experiments/${hidden}/history`, {
      authorization: `Bearer ${tokens.staging}`
    })
    const [{ id }] = (JSON.parse(history.body) as { readonly snapshots: [{ readonly id: string }] }).snapshots
    for (const experiment of [there, hidden, nowhere]) {
      const { status } = await answerTo("GET", `/api/v1/experiments/${experiment}/results?snapshot=${id}`, headers)
      expect(status).toBe(404)
    }
  })

  it("sees the same page for a hidden experiment as for none", async () => {
    const signIn = await fetch(`${served.url}/sign-in`, {
      method: "POST",
      redirect: "manual",
      body: new URLSearchParams({ token: tokens.refresher })
    })
    const session = { cookie: signIn.headers.get("set-cookie")?.split(";")[0] ?? "" }
    expect((await answerTo("GET", `/experiments/${there}`, session)).status).toBe(200)
    for (const [method, way] of [["GET", ""], ["GET", "?snapshot=x"], ["GET", "/progress"], ["POST", "/refresh"]]) {
      for (const headers of [{}, session]) {
        const [unseen, none] = [
          await answerTo(method!, `/experiments/${hidden}${way}`, headers),
          await answerTo(method!, `/experiments/${nowhere}${way}`, headers)
        ]
        expect(unseen.body.replaceAll(hidden, "…")).toBe(none.body.replaceAll(nowhere, "…"))
        expect([401, 403, 404]).toContain(unseen.status)
        expect(unseen.status).toBe(none.status)
      }
    }
  })
})
