/** The `sql` template: fragments, bound typed parameters, quoted identifiers. Knows nothing about experiments. */
export {
  and,
  decimal,
  empty,
  type Fragment,
  identifier,
  integer,
  join,
  parameter,
  type ParameterType,
  render,
  sql,
  word
} from "./Fragment.ts"
