/** A statement for ClickHouse as plain data. */

/** Text with `{name:Type}` placeholders, the values bound to them, and the settings that its result depends on. */
export interface Statement {
  readonly text: string
  readonly parameters: Readonly<Record<string, unknown>>
  readonly settings: Readonly<Record<string, string | number>>
}
