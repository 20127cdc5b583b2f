/** What a layer may import: in its sources, and further in its tests. */
export interface Layer {
  readonly source: ReadonlyArray<string>
  readonly test: ReadonlyArray<string>
}

/**
 * The rooms of the house and which of them each may look into. A package says its own with the tag `layer:<name>` under `nx.tags` of
 * its package.json. Only tools import an app or a tool, and no plugin another plugin.
 */
export const layers: Readonly<Record<string, Layer>> = {
  model: { source: [], test: [] },
  sql: { source: [], test: [] },
  aggregation: { source: ["model", "sql"], test: ["warehouse"] },
  stats: { source: ["model"], test: [] },
  srm: { source: ["model", "stats"], test: [] },
  warehouse: { source: ["model", "sql"], test: [] },
  testkit: { source: ["model", "sql", "aggregation", "stats", "warehouse"], test: [] },
  definitions: { source: ["model", "aggregation"], test: ["plugin"] },
  server: { source: [], test: [] },
  store: { source: ["model"], test: ["server"] },
  examples: { source: ["model"], test: [] },
  report: { source: ["model"], test: ["examples"] },
  page: { source: ["model", "report"], test: ["examples"] },
  pipeline: {
    source: ["model", "sql", "aggregation", "stats", "srm", "warehouse", "store"],
    test: ["definitions", "plugin", "report", "testkit"]
  },
  watch: { source: ["model", "aggregation", "stats", "warehouse", "store", "pipeline"], test: ["plugin", "testkit"] },
  plugin: { source: ["aggregation"], test: ["testkit"] },
  template: { source: [], test: [] },
  app: {
    source: [
      "model",
      "sql",
      "aggregation",
      "stats",
      "srm",
      "warehouse",
      "definitions",
      "store",
      "report",
      "page",
      "pipeline",
      "watch",
      "plugin",
      "template"
    ],
    test: ["testkit", "server", "examples"]
  },
  tool: {
    source: [
      "server",
      "model",
      "sql",
      "aggregation",
      "stats",
      "srm",
      "warehouse",
      "testkit",
      "definitions",
      "store",
      "report",
      "page",
      "pipeline",
      "watch",
      "plugin",
      "template",
      "app",
      "examples",
      "tool"
    ],
    test: []
  }
}

/** The layer that a package's tags name; `undefined` unless there is exactly one and it is in the table. */
export const layerOf = (tags: ReadonlyArray<string>): string | undefined => {
  const named = tags.filter((tag) => tag.startsWith("layer:")).map((tag) => tag.slice("layer:".length))
  const [name] = named
  return named.length === 1 && name !== undefined && Object.hasOwn(layers, name) ? name : undefined
}
