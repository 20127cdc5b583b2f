import { tagOf } from "@assay/clickhouse-image"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"

const part = fc.tuple(fc.string(), fc.uint8Array({ maxLength: 20 }))

describe("an image's name", () => {
  it("is the same for the same parts, and another one for any others", () => {
    fc.assert(
      fc.property(fc.array(part), fc.array(part), (some, others) => {
        const same = JSON.stringify(some) === JSON.stringify(others)
        expect(tagOf("1.2.3-stable.1", some) === tagOf("1.2.3-stable.1", others)).toBe(same)
      })
    )
  })

  it("begins with libchdb's version, and changes with all of it", () => {
    expect(tagOf("26.7.3-stable.1", [])).toMatch(/^assay\/clickhouse:26\.7\.3-[0-9a-f]{12}$/)
    expect(tagOf("26.7.3-stable.2", [])).not.toBe(tagOf("26.7.3-stable.1", []))
  })
})
