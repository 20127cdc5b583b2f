/**
 * What to look at next, by what was found. The causes and their order follow the taxonomy of Fabijan, Gupchup, Gupta, Omhover, Qin, Vermeer
 * and Dmitriev (2019), "Diagnosing Sample Ratio Mismatch in Online Controlled Experiments": assignment, execution, log processing,
 * analysis, interference.
 */
export const advice = {
  mismatch:
    "Look for where it is: by day, platform and country. Then follow an identity's way: is it assigned as planned (bucketing, ids, " +
    "interacting experiments), does one variant redirect, crash or answer later before the exposure is logged, does the log lose or filter " +
    "rows of one variant (bots, late rows), does the analysis select by something that the variant changes?",
  zeroShare: "The assignment and the definition disagree: compare the shares of the flag with those of the experiment.",
  undeclared: "Declare the variant, or look for a test of another name or an old version that still exposes.",
  part:
    "One part alone points to execution there: a redirect, a crash, a cached page, another version of the client, or an exposure that isn't " +
    "logged in one variant. If the part can be changed by the variant itself (a trait that is set after the exposure), it may be the " +
    "analysis.",
  since:
    "A beginning in the middle points to what changed that day: a release, a ramp, a pause of one variant, a change of the shares. A change that " +
    "was meant belongs into the definition as split_changes.",
  until:
    "An end in the middle points to the start: variants that were switched on at different times, warm caches, a bug that was mended. Starting the " +
    "window after it may leave sound data.",
  quarantined:
    "Something shows one arm's identities another variant more often: assignment that isn't kept (cookies that are lost, a changed seed), " +
    "identities shared by several people, or an exposure that is logged before the variant is settled.",
  balance:
    "The arms differed before the experiment could change anything: look at the assignment (a seed used before, carry-over of an earlier " +
    "experiment, assignment by something that goes with behaviour) and at whether the covariate reaches beyond the exposure.",
  missing:
    "The variant decides whether the figure is there: look at how it is logged in each variant, and at joins that lose rows. What is missing may be " +
    "what matters.",
  splitChange:
    "Arms then hold different mixes of days, which shifts metrics that change from day to day (Simpson's paradox): compare within one split, or " +
    "read the part of the window since the last change."
} as const
