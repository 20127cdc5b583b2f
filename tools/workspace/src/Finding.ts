/** A broken rule: where, and what to do about it. */
export interface Finding {
  /** Path from the root. */
  readonly file: string
  /** From 1; `undefined` when the finding is about the whole file. */
  readonly line?: number
  /** What is wrong and how to mend it, in a sentence. */
  readonly message: string
}

/** A finding as one line, `file:line message`, that editors and terminals can jump to. */
export const show = (finding: Finding): string =>
  `${finding.file}${finding.line === undefined ? "" : `:${finding.line}`} ${finding.message}`
