/** The warehouse service on a server of the tests. */
import { type Statement, type WarehouseError } from "@assay/model"
import { Warehouse, type WarehouseConfig, type WarehouseShape } from "@assay/warehouse"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { type User, users } from "../src/index.ts"
import { secrets } from "./project.ts"

/** A statement with values bound to it. */
export const statement = (
  text: string,
  parameters: Statement["parameters"] = {},
  settings: Statement["settings"] = {}
): Statement => ({ text, parameters, settings })

/** Uses the warehouse at a URL as one of the {@link users}; without a second try where nothing else is said. */
export const at = <A, E>(
  url: string,
  use: (warehouse: WarehouseShape) => Effect.Effect<A, E>,
  config: Partial<WarehouseConfig> = {},
  user: User = users.reader
) =>
  Effect.suspend(() => {
    process.env["CONTAINER_PASSWORD"] = user.password
    return Warehouse.use(use).pipe(
      Effect.provide(Warehouse.layer({
        url,
        username: user.name,
        password: { env: "CONTAINER_PASSWORD" },
        database: "shop",
        retries: 0,
        ...config
      }))
    )
  })

/** The error that a use of the warehouse ends in, after a look that it tells no secret. */
export const failure = <A>(effect: Effect.Effect<A, WarehouseError>) =>
  Effect.flip(effect).pipe(Effect.tap((error) =>
    Effect.sync(() => {
      const text = `${JSON.stringify(error)} ${error.message} ${error.stack} ${String(error)}`
      for (const secret of secrets) assert.notInclude(text, secret)
      assert.isAbove(error.message.length, 10)
      assert.isAbove(error.hint.length, 10)
    })
  ))

/** What was asked of a proxy, the statements that stop queries and their progress apart. */
export const queriesAmong = (requests: ReadonlyArray<string>): ReadonlyArray<string> =>
  requests.map((path) => new URL(path, "http://x").searchParams)
    .filter((asked) => !asked.has("param_id"))
    .map((asked) => asked.get("query_id") ?? "")
