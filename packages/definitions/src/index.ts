/** Definition files and the configuration: text in, values or a DefinitionError out. Reads no files. */
export {
  type AssayConfig,
  defaultDefaults,
  type Defaults,
  defineConfig,
  type Engine,
  type EventsConfig,
  resolveConfig,
  type ResolvedConfig,
  type SetupStatement,
  type StoreConfig
} from "./config.ts"
export { definitionHash } from "./definitionHash.ts"
export { type Definitions, parseDefinitions } from "./definitions.ts"
export { jsonSchemas, optionsSchema } from "./jsonSchemas.ts"
export type { DefinitionContext } from "./Located.ts"
export { maximumBytes, type SourceFile } from "./Yaml.ts"
