/** Arms in tables and charts: in one order, each with a colour of its own and a mark that tells it apart without colour. */
import type { ResultsSummary } from "@assay/model"
import type { VNode } from "preact"
import { el } from "./html.ts"
import { name } from "./text.ts"

/** Colours of the stylesheet, `--arm-0` (control) to `--arm-7`, where lines get their dashes by them; further arms take them again. */
const colours = 8

export interface Arm {
  readonly key: string
  readonly control: boolean
  readonly colour: string
  /** The index of its colour. */
  readonly index: number
}

/** The arms of a summary, the control first, the others as they were defined. */
export const armsOf = (summary: ResultsSummary): ReadonlyArray<Arm> => {
  const keys = summary.variants.map(({ key }) => key)
  return [summary.control, ...keys.filter((key) => key !== summary.control)].map((key, i) => {
    const index = i === 0 ? 0 : 1 + ((i - 1) % (colours - 1))
    return { key, control: i === 0, colour: `var(--arm-${index})`, index }
  })
}

/** The arms that are compared with the control. */
export const treatmentsOf = (summary: ResultsSummary): ReadonlyArray<Arm> => armsOf(summary).slice(1)

/** The mark and name of an arm. */
export const armName = (arm: Arm): VNode => el("span", { class: `arm arm-${arm.index}` }, name(arm.key))
