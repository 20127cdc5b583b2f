import { large, states } from "@assay/example-summaries"
import { ResultsSummary } from "@assay/model"
import { Schema } from "effect"
import { describe, expect, it } from "vitest"

describe("each example", () => {
  it.each(Object.entries({ ...states, large: large(3, 5) }))(
    "%s is a results summary that JSON can hold",
    (_, summary) => {
      const again: unknown = JSON.parse(JSON.stringify(summary))
      expect(Schema.decodeUnknownSync(ResultsSummary)(again, { onExcessProperty: "error" })).toEqual(summary)
    }
  )
})
