/** `assay token`: a new token for `assay serve`. */
import { Effect } from "effect"
import { print, say } from "../output.ts"
import { makeToken, type Scope } from "../serve/access.ts"

/** What `assay token` was asked for. */
export interface TokenInput {
  readonly name: string
  readonly refresh: boolean
  readonly environments: ReadonlyArray<string>
}

/** Prints the token on stderr, once, and the entry to keep for it on stdout. */
export const runToken = Effect.fn("command.token")(function*({ environments, name, refresh }: TokenInput) {
  const scopes: readonly [Scope, ...ReadonlyArray<Scope>] = refresh ? ["read", "refresh"] : ["read"]
  const { entry, token } = makeToken(name, scopes, environments)
  yield* say(
    `Token (shown once, kept nowhere): ${token}\nAdd this to "tokens" in the file for \`assay serve --tokens\`:`
  )
  yield* print(JSON.stringify(entry))
})
