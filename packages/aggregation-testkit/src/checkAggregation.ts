/** Trying the properties on an aggregation, with any test runner or none. */
import type { Aggregation } from "@assay/aggregation"
import { Warehouse } from "@assay/warehouse"
import { Cause, Effect, Exit, type Layer, ManagedRuntime, Scope } from "effect"
import { randomUUID } from "node:crypto"
import { type Case, cases, minimise, show, usualPatience } from "./Case.ts"
import { properties, type Property } from "./properties.ts"
import { type AggregationSuite, eventsOf, makeTables, measure, type Measured, type Trial } from "./Trial.ts"

/** Where a suite runs: embedded, unless ASSAY_TEST_URL names a ClickHouse server (docs/aggregations.md). */
export const warehouseOfEnvironment = (environment: NodeJS.ProcessEnv): Layer.Layer<Warehouse, unknown> => {
  const { ASSAY_TEST_DATABASE: database, ASSAY_TEST_URL: url, ASSAY_TEST_USERNAME: username } = environment
  if (url === undefined || url === "") return Warehouse.layerEmbedded()
  return Warehouse.layer({
    url,
    ...(username === undefined ? {} : { username }),
    ...(environment["ASSAY_TEST_PASSWORD"] === undefined ? {} : { password: { env: "ASSAY_TEST_PASSWORD" } }),
    ...(database === undefined ? {} : { database })
  })
}

/** How many sentences of one case are told. */
const toldOfCase = 5

const failed = "it failed: "

const sentenceOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  if (!(error instanceof Error)) return String(error)
  const hint = "hint" in error && typeof error.hint === "string" ? ` (${error.hint})` : ""
  return `${failed}${error.message}${hint}`
}

/** An aggregation being tried: `fails` gives, for a property, what is wrong with a minimal example, or undefined. */
export interface Examination {
  readonly fails: (property: Property) => Promise<string | undefined>
  /** Removes its tables and lets the warehouse go. */
  readonly end: () => Promise<void>
}

/** Begins to try an aggregation on a warehouse. Up to `patience` further cases are tried to make a failing one smaller. */
export const examine = async <Options>(
  aggregation: Aggregation,
  suite: AggregationSuite<Options>,
  patience: number = usualPatience
): Promise<Examination> => {
  const warehouse = suite.warehouse ?? warehouseOfEnvironment(process.env)
  const runtime = ManagedRuntime.make(warehouse)
  const scope = Scope.makeUnsafe()
  const tables = await runtime.runPromise(
    makeTables(`assay_testkit_${randomUUID().replaceAll("-", "")}_`).pipe(Scope.provide(scope))
  )
  const trial: Trial = { aggregation, suite, tables }
  const seed = suite.seed ?? Math.trunc(Math.random() * 2 ** 31)
  const runs = suite.runs ?? 15
  const tried = cases(seed, runs, eventsOf(trial), suite.options, suite.arbitrary)
  const known = new WeakMap<Case, Exit.Exit<Measured, unknown>>()
  const whole = (one: Case): Effect.Effect<Measured, unknown, Warehouse> =>
    Effect.suspend(() =>
      known.get(one) ?? Effect.onExit(Effect.suspend(() => measure(trial, one)), (exit) =>
        Effect.sync(() => {
          known.set(one, exit)
        }))
    )
  const sentences = async (property: Property, one: Case): Promise<ReadonlyArray<string> | undefined> => {
    const exit = await runtime.runPromiseExit(Effect.suspend(() => property.check(trial, one, whole(one))))
    const found = Exit.isSuccess(exit) ? exit.value : [sentenceOf(exit.cause)]
    return found.length === 0 ? undefined : found
  }
  const fails = async (property: Property): Promise<string | undefined> => {
    const chosen = Math.max(1, Math.ceil(runs * property.share))
    for (let i = 0; i < chosen; i++) {
      const one = tried[Math.floor(((i + 0.5) * runs) / chosen)]!
      const failure = await sentences(property, one)
      if (failure === undefined) continue
      const least = await minimise(
        { one, failure },
        suite.options,
        (smaller) => sentences(property, smaller),
        patience
      )
      const told = least.failure.slice(0, toldOfCase)
      const more = least.failure.length - told.length
      return [
        `It isn't true that aggregation ${aggregation.name} ${aggregation.version} ${property.name}:`,
        ...told.map((line) => `  ${line}`),
        ...(more > 0 ? [`  and ${more} more`] : []),
        ...(told[0]!.startsWith(failed) ? [] : [`  ${property.hint}.`]),
        `  The smallest case found: ${show(least.one)}`,
        `  It was found with seed ${seed}.`
      ].join("\n")
    }
    return undefined
  }
  return {
    fails,
    end: async () => {
      await runtime.runPromise(Scope.close(scope, Exit.void))
      await runtime.dispose()
    }
  }
}

/** The first property that an aggregation breaks, with what is wrong and a minimal example; undefined where all hold. */
export const checkAggregation = async <Options>(
  aggregation: Aggregation,
  suite: AggregationSuite<Options>
): Promise<{ readonly property: string; readonly message: string } | undefined> => {
  const examination = await examine(aggregation, suite)
  try {
    for (const property of properties) {
      const message = await examination.fails(property)
      if (message !== undefined) return { property: property.name, message }
    }
    return undefined
  } finally {
    await examination.end()
  }
}
