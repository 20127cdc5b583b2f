/** `assay validate`: are all definition files right? */
import { Effect, type Option, Option as O } from "effect"
import { print, printJson, say } from "../output.ts"
import { loadDefinitions, shown, warningLines } from "../project.ts"

/** Checks the configuration and all definitions; what is wrong is the error that it fails with. */
export const runValidate = Effect.fn("command.validate")(
  function*(input: { readonly config: Option.Option<string>; readonly json: boolean }) {
    const project = yield* loadDefinitions(O.getOrUndefined(input.config))
    const { experiments, metrics, warnings } = project.definitions
    if (input.json) {
      return yield* printJson({
        schema: "assay.validate/1",
        experiments: [...experiments.keys()],
        metrics: [...metrics.keys()],
        warnings
      })
    }
    for (const line of warningLines(project)) yield* say(line)
    const count = (n: number, one: string) => `${n} ${one}${n === 1 ? "" : "s"}`
    yield* print(
      `${shown(project.file)}: ${count(experiments.size, "experiment")} and ${
        count(metrics.size, "metric")
      } are well-formed` +
        `${warnings.length === 0 ? "" : `, with ${count(warnings.length, "warning")}`}.`
    )
  }
)
