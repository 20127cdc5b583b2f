/** A run that is stopped leaves no query on the server. */
import { assert } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest"
import { users } from "../src/index.ts"
import { at, statement } from "./asking.ts"
import { makeProject, type Project, secrets } from "./project.ts"

const url = inject("url")

/** How many queries on the view `forever` run on the server. */
const running = async (): Promise<number> => {
  const response = await fetch(url, {
    method: "POST",
    body: "SELECT count() FROM system.processes WHERE position(query, concat('for', 'ever')) > 0",
    headers: { "X-ClickHouse-User": users.admin.name, "X-ClickHouse-Key": users.admin.password }
  })
  return Number(await response.text())
}

const until = async (count: number): Promise<void> => {
  const deadline = Date.now() + 60_000
  while (await running() !== count) {
    if (Date.now() > deadline) throw new Error(`${await running()} queries run after 60 s instead of ${count}`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

describe("a query of a run that is stopped is gone from system.processes", () => {
  let project: Project
  beforeAll(() => {
    project = makeProject({ url, events: { table: "forever" } })
  })
  afterAll(() => project.remove())

  it.each(
    [
      ["SIGINT", "Ctrl-C", "read together", [], 1],
      ["SIGINT", "Ctrl-C", "read apart", ["--no-shared-reads"], 2],
      ["SIGTERM", "kill", "read apart", ["--no-shared-reads"], 2]
    ] as const
  )("by %s (%s), %s: exit code 130", async (signal, _name, _how, flags, queries) => {
    const command = project.start(["recompute", "alpha", "beta", "--json", ...flags])
    await until(queries)
    command.signal(signal)
    const { code, stderr, stdout } = await command.ended
    expect(code).toBe(130)
    await until(0)
    expect(stdout).toBe("")
    expect(project.stored()).toEqual({})
    expect(secrets.filter((secret) => stderr.includes(secret))).toEqual([])
  })

  it("also when the process couldn't say so any more (SIGKILL)", async () => {
    const command = project.start(["recompute", "alpha"])
    await until(1)
    command.signal("SIGKILL")
    await command.ended
    await until(0)
    expect(project.stored()).toEqual({})
  })

  it("by an interrupted fiber, before its interruption ends", () =>
    Effect.gen(function*() {
      const stopped = yield* at(url, ({ query }) =>
        Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(
            query(statement("SELECT count() FROM forever WHERE environment_key = {e:String}", { e: "nowhere" }))
          )
          yield* Effect.promise(() => until(1))
          yield* Fiber.interrupt(fiber)
          return yield* Effect.promise(() => running())
        }))
      assert.isAtMost(stopped, 1)
      yield* Effect.promise(() => until(0))
    }).pipe(Effect.runPromise))
})
