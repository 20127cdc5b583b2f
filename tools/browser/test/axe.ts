/** The rules of accessibility that a machine can check. */
import axe from "axe-core"
import type { Page } from "playwright-core"

interface Answer {
  readonly violations: ReadonlyArray<{
    readonly id: string
    readonly nodes: ReadonlyArray<{ readonly html: string; readonly failureSummary?: string }>
  }>
}

/** Rules whose answer depends on the style: what is checked again in every other look. */
export const ofStyle = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size", "region"]

/** Every violation of WCAG 2.2 A and AA and of best practices, or of these rules alone, as a line each. */
export const violations = async (page: Page, rules?: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  await page.evaluate(axe.source)
  const options = { resultTypes: ["violations"], ...(rules === undefined ? {} : { runOnly: rules }) }
  const answer = await page.evaluate<Answer>(`axe.run(document, ${JSON.stringify(options)})`)
  return answer.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ failureSummary, html }) => `${id}: ${html.slice(0, 160)} ${failureSummary ?? ""}`)
  )
}
