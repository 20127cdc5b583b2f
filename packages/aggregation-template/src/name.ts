/** Names of a new aggregation: what metrics call it, what its module exports it as, what its package is called. */

/** The longest name that an aggregation can have. */
const longest = 50

/** What a name must look like, for a person. */
export const nameRule = `1 to ${longest} lower-case letters and digits, words joined by single dashes: big-spender`

/** Whether an aggregation can be called so: its name stands in metrics, in a package's name and in file names. */
export const isName = (name: string): boolean => /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) && name.length <= longest

/** Words that TypeScript keeps for itself, and names that the generated modules import. */
const taken = new Set(
  ("arguments async await break case catch class const continue debugger default delete do else enum eval export extends " +
    "false finally for function if implements import in interface let new null package private protected public return " +
    "static super switch this throw true try typeof undefined var void while with yield " +
    "defineAggregation defineConfig describeAggregation fc").split(" ")
)

/** What the module exports: `big-spender` is `bigSpender`; `aggregation` is added where that name is taken. */
export const exportedName = (name: string): string => {
  const camel = name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  return taken.has(camel) ? `${camel}Aggregation` : camel
}

/** The key of a metric of it: `big_spender`. */
export const metricKey = (name: string): string => name.replaceAll("-", "_")
