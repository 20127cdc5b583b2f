/** What `assay doctor` found about one thing. */
export interface Check {
  readonly name: string
  readonly ok: boolean
  /** It works, but something should be looked at. */
  readonly warning?: true
  readonly said: string
  readonly mend?: string
}

/** All is well. */
export const fine = (name: string, said: string): Check => ({ name, ok: true, said })

/** It works, with less than it could. */
export const doubtful = (name: string, said: string, mend: string): Check => ({
  name,
  ok: true,
  warning: true,
  said,
  mend
})

/** It doesn't work. */
export const broken = (name: string, said: string, mend: string): Check => ({ name, ok: false, said, mend })
