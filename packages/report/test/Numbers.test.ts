import { describe, expect, it } from "vitest"
import * as Numbers from "../src/Numbers.ts"

describe("numbers", () => {
  it.each([[0, "0"], [10_012, "10,012"], [1_204_556, "1,204,556"], [-3, "−3"], [1.5, "1.500"], [1e18, "1.000e18"]])(
    "count %d reads %s",
    (n, text) => expect(Numbers.count(n)).toBe(text)
  )

  it.each([[0, "0.0 %"], [0.501, "50.1 %"], [0.0001, "<0.1 %"], [1, "100.0 %"]])(
    "share %d reads %s",
    (x, text) => expect(Numbers.share(x)).toBe(text)
  )

  it.each([[0.12, "12.0 %"], [0.0987, "9.87 %"], [0.00012, "0.0120 %"], [0, "0 %"], [1, "100 %"], [1e-9, "1.00e-7 %"]])(
    "proportion %d reads %s",
    (x, text) => expect(Numbers.value(x, x, "proportion")).toBe(text)
  )

  it.each([[1234.5, "1,235"], [4.2371, "4.237"], [-4.2371, "−4.237"], [0.0213, "0.02130"], [1e12, "1.00e12"], [
    2e-7,
    "2.00e-7"
  ]])(
    "mean %d reads %s",
    (x, text) => expect(Numbers.value(x, Math.abs(x), "mean")).toBe(text)
  )

  it.each([
    [[0.042, -0.013, 0.097], ["+4.2", "−1.3", "+9.7"]],
    [[0, -0.01, 0.01], ["0.0", "−1.0", "+1.0"]],
    [[-0.0001, -0.0101, 0.0099], ["0.0", "−1.0", "+1.0"]],
    [[0.00042, -0.0001, 0.0009], ["+0.04", "−0.01", "+0.09"]],
    [[2.03, -0.8, 9], ["+203", "−80", "+900"]],
    [[50, 10, 90], ["+5,000", "+1,000", "+9,000"]],
    [[1e9, 0, 2e9], ["+1.0e11", "0", "+2.0e11"]]
  ])("lift %j reads %j", ([lift, low, high], texts) => {
    const shown = Numbers.lift({ lift: lift!, ci_low: low!, ci_high: high! })
    expect([shown.lift, shown.low, shown.high]).toEqual(texts)
  })

  it.each([[0.973, "97.3 %"], [0.9991, ">99.9 %"], [1, ">99.9 %"], [0.0009, "<0.1 %"], [0, "<0.1 %"], [0.5, "50.0 %"]])(
    "chance %d reads %s",
    (x, text) => expect(Numbers.chance(x)).toBe(text)
  )

  it.each([[0.0086, "p = 0.0086"], [1.2e-9, "p = 1.2e-9"], [0.81, "p = 0.81"], [1, "p = 1.0"], [0, "p < 1e-300"]])(
    "p-value %d reads %s",
    (p, text) => expect(Numbers.pValue(p)).toBe(text)
  )

  it.each([[0, "less than a minute"], [60_000, "1 minute"], [5_400_000, "90 minutes"], [129_600_000, "36 hours"], [
    1_209_600_000,
    "14 days"
  ]])(
    "%d ms read %s",
    (millis, text) => expect(Numbers.duration(millis)).toBe(text)
  )
})
