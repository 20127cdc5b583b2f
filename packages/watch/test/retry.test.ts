import {
  DecodeError,
  PlanError,
  QueryLimitExceeded,
  QueryRejected,
  StoreError,
  WarehouseUnavailable
} from "@assay/model"
import { assert, describe, it } from "vitest"
import { ATTEMPTS, mayPass, retryAt, runError } from "../src/index.ts"

const said = { message: "It didn't answer.", hint: "Look at it" }
const away = new WarehouseUnavailable(said)

describe("a failure", () => {
  it("may pass where the warehouse or the store was away or full, and no other", () => {
    const full = new QueryLimitExceeded({ ...said, limit: "concurrency", value: 1 })
    const passing = [away, full, new StoreError(said)]
    const lasting = [
      new QueryLimitExceeded({ ...said, limit: "memory", value: 1 }),
      new QueryRejected({ ...said, clickhouseCode: 60, clickhouseName: "UNKNOWN_TABLE" }),
      new PlanError({ ...said, experiment: "checkout" }),
      new DecodeError(said)
    ]
    assert.deepStrictEqual([...passing, ...lasting].map(mayPass), [
      ...passing.map(() => true),
      ...lasting.map(() => false)
    ])
  })

  it("is tried again after ever longer pauses, up to a bound, and not for ever", () => {
    const pauses = Array.from({ length: ATTEMPTS }, (_, i) => retryAt(away, i + 1, 0, 1))
    assert.deepStrictEqual(pauses, [5000, 20_000, 80_000, 320_000, 600_000, undefined])
    assert.strictEqual(retryAt(away, 1, 1000, 0), 3500)
    assert.isUndefined(retryAt(new DecodeError(said), 1, 0, 0))
  })

  it("is kept with its code, what happened and what to do", () => {
    assert.deepStrictEqual(runError(away), { code: "warehouse_unavailable", ...said })
  })
})
