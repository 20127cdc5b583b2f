import { assert, describe, it } from "vitest"
import { type Entry, overlaps, stretchesOf } from "../src/index.ts"

const entry = (at: number, pid: number, event: Entry["event"], experiment?: string): Entry => ({
  at,
  pid,
  event,
  ...(experiment === undefined ? {} : { experiment })
})

describe("the journal of a fleet", () => {
  it("tells who was at which experiment when, also of those that were killed or paused", () => {
    const stretches = stretchesOf([
      entry(1, 1, "begin", "a"),
      entry(2, 1, "begin", "b"),
      entry(3, 1, "end", "a"),
      entry(4, 2, "begin", "c"),
      entry(5, 1, "killed"),
      entry(6, 2, "paused"),
      entry(9, 2, "end", "c"),
      entry(9, 3, "begin", "d")
    ])
    assert.deepStrictEqual(stretches.map(({ experiment, from, to }) => [experiment, from, to]), [
      ["a", 1, 3],
      ["b", 2, 5],
      ["c", 4, 6],
      ["d", 9, Number.POSITIVE_INFINITY]
    ])
  })

  it("shows two at the same experiment at the same time, and only those", () => {
    const both = [
      entry(1, 1, "begin", "a"),
      entry(2, 2, "begin", "a"),
      entry(3, 1, "end", "a"),
      entry(4, 2, "end", "a"),
      entry(4, 1, "begin", "a"),
      entry(4, 2, "begin", "b"),
      entry(6, 1, "killed"),
      entry(7, 2, "begin", "a")
    ]
    assert.deepStrictEqual(overlaps(stretchesOf(both)).map(([one, other]) => [one.pid, other.pid]), [[1, 2]])
  })
})
