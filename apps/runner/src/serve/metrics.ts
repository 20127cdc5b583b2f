/** Figures in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/). */

/** One figure: its name, what it is, its kind, and its values with their labels. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly kind: "counter" | "gauge"
  readonly values: ReadonlyArray<readonly [Readonly<Record<string, string>>, number]>
}

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\"", "\\\"")

const labels = (record: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(record).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`
}

/** The figures as text. */
export const exposition = (families: ReadonlyArray<Family>): string =>
  families.map(({ help, kind, name, values }) =>
    [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${kind}`,
      ...values.map(([record, value]) => `${name}${labels(record)} ${value}`)
    ]
      .map((line) => `${line}\n`).join("")
  ).join("")
