/** The `assay` command: its subcommands, their flags and help. */
import { Effect } from "effect"
import { Argument, CliOutput, Command, Flag } from "effect/cli"
import { runAdvise } from "./commands/advise.ts"
import { runAggregations } from "./commands/aggregations.ts"
import { calcHelp, runCalc } from "./commands/calc.ts"
import { runDoctor } from "./commands/doctor.ts"
import { runExplain } from "./commands/explain.ts"
import { runInit, runInitWarehouse } from "./commands/init.ts"
import { runNewAggregation } from "./commands/new.ts"
import { runPlan } from "./commands/plan.ts"
import { runRecompute } from "./commands/recompute.ts"
import { runReplay } from "./commands/replay.ts"
import { runReport } from "./commands/report.ts"
import { runResults } from "./commands/results.ts"
import { runRuns } from "./commands/runs.ts"
import { runSchema } from "./commands/schema.ts"
import { runState, runStateDrop } from "./commands/state.ts"
import { runBackup, runMigrate, runPrune } from "./commands/store.ts"
import { runToken } from "./commands/token.ts"
import { runValidate } from "./commands/validate.ts"
import { runWatch } from "./commands/watch.ts"
import { reporting, say } from "./output.ts"
import { service } from "./service.ts"

const config = Flag.String("config").pipe(
  Flag.withAlias("c"),
  Flag.withMetavar("file"),
  Flag.withDescription("The configuration, or the folder that it lies in (default: assay.config.ts here)"),
  Flag.optional
)

const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print JSON for machines on stdout, and nothing else there"),
  Flag.withDefault(false)
)

const logging = {
  logFormat: Flag.Literals("log-format", ["text", "json"]).pipe(
    Flag.withDescription("How log lines look, on stderr"),
    Flag.withDefault("text")
  ),
  logLevel: Flag.Literals("log-level", ["debug", "info", "warn", "error"]).pipe(
    Flag.withDescription("From which level on lines are logged"),
    Flag.withDefault("info")
  )
} as const

const experiment = Argument.String("experiment").pipe(Argument.withDescription("The key of an experiment"))

const init = Command.make("init", {
  folder: Argument.String("folder").pipe(
    Argument.withDescription("Where to make the project (default: here)"),
    Argument.optional
  ),
  warehouse: Flag.Boolean("warehouse").pipe(
    Flag.withDescription("Show the DDL of the tables that results are written to instead"),
    Flag.withDefault(false)
  ),
  yes: Flag.Boolean("yes").pipe(Flag.withDescription("Make those tables"), Flag.withDefault(false)),
  config
}, (input) => (input.warehouse ? runInitWarehouse(input) : runInit(input)).pipe(reporting(false))).pipe(
  Command.withDescription("Make a commented starter project that runs as it is")
)

const validate = Command.make("validate", { config, json }, (input) => runValidate(input).pipe(reporting(input.json)))
  .pipe(
    Command.withDescription("Check the configuration and all definition files")
  )

const explain = Command.make(
  "explain",
  {
    experiment: experiment.pipe(Argument.optional),
    all: Flag.Boolean("all").pipe(
      Flag.withDescription(
        "Show instead which experiments are read together, why the others aren't, and what it saves"
      ),
      Flag.withDefault(false)
    ),
    config,
    json
  },
  (input) => runExplain(input).pipe(reporting(input.json))
).pipe(Command.withDescription("Show the plan and the statement of an experiment, and what it will read"))

const advise = Command.make("advise", {
  experiments: Argument.String("experiment").pipe(
    Argument.withDescription("Keys of experiments (default: all)"),
    Argument.variadic()
  ),
  all: Flag.Boolean("all").pipe(Flag.withDescription("Every experiment that is defined"), Flag.withDefault(false)),
  config,
  scratch: Flag.String("scratch").pipe(
    Flag.withMetavar("database"),
    Flag.withDescription(
      "Where copies of a part of the tables may be made and dropped, to measure on (default: where results are written)"
    ),
    Flag.optional
  ),
  rows: Flag.Int("rows").pipe(
    Flag.withDescription("About how many rows of each table are copied"),
    Flag.filter((n) => n >= 10_000, (n) => `--rows is ${n}; it must be 10000 or more`),
    Flag.withDefault(2_000_000)
  ),
  json
}, (input) => runAdvise(input).pipe(reporting(input.json))).pipe(
  Command.withDescription(
    "Say what added to the event tables (a projection, an index) would let experiments read less, and how much less"
  ),
  Command.withExamples([
    { command: "assay advise", description: "For all experiments; prints DDL, and changes no table" },
    {
      command: "assay advise checkout_button --scratch assay",
      description: "For one, measured on a copy in that database"
    }
  ])
)

const recompute = Command.make("recompute", {
  experiments: Argument.String("experiment").pipe(
    Argument.withDescription("Keys of experiments"),
    Argument.variadic()
  ),
  all: Flag.Boolean("all").pipe(Flag.withDescription("Every experiment that is defined"), Flag.withDefault(false)),
  config,
  concurrency: Flag.Int("concurrency").pipe(
    Flag.withDescription("How many experiments at the same time"),
    Flag.filter((n) => n >= 1, (n) => `--concurrency is ${n}; it must be 1 or more`),
    Flag.optional
  ),
  sharedReads: Flag.Boolean("shared-reads").pipe(
    Flag.withDescription(
      "Read experiments together that read the same (default: defaults.shared_reads, which is true)"
    ),
    Flag.optional
  ),
  asOf: Flag.String("as-of").pipe(
    Flag.withMetavar("time"),
    Flag.withDescription("Compute the results as of this time (default: now)"),
    Flag.optional
  ),
  sample: Flag.Finite("sample").pipe(
    Flag.withMetavar("share"),
    Flag.withDescription("Only a preview, over so large a part of the identities, such as 0.1; it isn't kept"),
    Flag.filter(
      (share) => share >= 0.0001 && share < 1,
      (share) => `--sample is ${share}; it must be 0.0001 or more and below 1`
    ),
    Flag.optional
  ),
  full: Flag.Boolean("full").pipe(
    Flag.withDescription("Read everything anew where states are kept (incremental), and replace them"),
    Flag.withDefault(false)
  ),
  json
}, (input) => runRecompute(input).pipe(reporting(input.json))).pipe(
  Command.withDescription("Compute new results and keep them"),
  Command.withExamples([
    { command: "assay recompute --all", description: "All experiments" },
    { command: "assay recompute checkout_button --json", description: "One, for machines" }
  ])
)

const results = Command.make("results", {
  experiment,
  config,
  snapshot: Flag.String("snapshot").pipe(
    Flag.withMetavar("id"),
    Flag.withDescription("An older snapshot, by its id"),
    Flag.optional
  ),
  list: Flag.Boolean("list").pipe(Flag.withDescription("List the snapshots instead"), Flag.withDefault(false)),
  cost: Flag.Boolean("cost").pipe(
    Flag.withDescription("Show what the result cost instead: rows and bytes read, memory, time"),
    Flag.withDefault(false)
  ),
  json
}, (input) => runResults(input).pipe(reporting(input.json))).pipe(
  Command.withDescription("Show the latest results of an experiment")
)

const plan = Command.make("plan", {
  experiment,
  config,
  baselines: Flag.String("baseline").pipe(
    Flag.withMetavar("metric=value"),
    Flag.withDescription(
      "What a metric is expected to be: purchased=0.1, or revenue=12.5,30 (mean, standard deviation); can be given several times"
    ),
    Flag.atLeast(0)
  ),
  effects: Flag.String("effect").pipe(
    Flag.withMetavar("size"),
    Flag.withDescription(
      "The smallest effect worth finding: 5% on all goals, or revenue=3% (default: the plan's); can be given several times"
    ),
    Flag.atLeast(0)
  ),
  power: Flag.Finite("power").pipe(
    Flag.withDescription("The chance that the effect is found, if it is there (default: the plan's, or 0.8)"),
    Flag.filter((x) => x > 0 && x < 1, (x) => `--power is ${x}; it must be between 0 and 1, such as 0.8`),
    Flag.optional
  ),
  traffic: Flag.Finite("traffic").pipe(
    Flag.withMetavar("identities"),
    Flag.withDescription("New identities a day in all arms (default: as observed)"),
    Flag.filter((x) => x > 0, (x) => `--traffic is ${x}; it must be above 0`),
    Flag.optional
  ),
  json
}, (input) => runPlan(input).pipe(reporting(input.json))).pipe(
  Command.withDescription("Say how long an experiment still takes, and what it can find by then"),
  Command.withExamples([
    { command: "assay plan checkout_button", description: "From the stored results, for the effect of its plan" },
    {
      command: "assay plan checkout_button --baseline purchased=10% --effect 5% --traffic 4000",
      description: "Before there are results"
    }
  ])
)

const replay = Command.make("replay", {
  snapshot: Argument.String("snapshot").pipe(Argument.withDescription("The id of a snapshot, or its file")),
  config,
  json
}, (input) => runReplay(input).pipe(reporting(input.json))).pipe(
  Command.withDescription("Run the statement of a snapshot again, and tell which numbers moved since")
)

const aggregations = Command.make(
  "aggregations",
  { config, json },
  (input) => runAggregations(input).pipe(reporting(input.json))
).pipe(Command.withDescription("List the aggregations that metrics may use, with their options"))

const asked = (name: string, what: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(what), Flag.withDefault(false))

const report = Command.make("report", {
  experiment,
  config,
  snapshot: Flag.String("snapshot").pipe(
    Flag.withMetavar("id"),
    Flag.withDescription("An older snapshot, by its id"),
    Flag.optional
  ),
  html: asked("html", "A page that needs nothing else and no network (the default)"),
  md: asked("md", "Markdown"),
  json: asked("json", "The summary as JSON"),
  csv: asked("csv", "A row for each metric, arm and slice"),
  out: Flag.String("out").pipe(
    Flag.withAlias("o"),
    Flag.withMetavar("file"),
    Flag.withDescription("Where to write it (default: stdout); its ending chooses the format where none is given"),
    Flag.optional
  )
}, (input) => runReport(input).pipe(reporting(false))).pipe(
  Command.withDescription("Write the results of an experiment as one document, to attach or to load elsewhere"),
  Command.withExamples([
    { command: "assay report checkout_button --out checkout.html", description: "The page, as a file" }
  ])
)

const watch = Command.make("watch", {
  config,
  concurrency: Flag.Int("concurrency").pipe(
    Flag.withDescription("How many experiments at the same time (default: defaults.concurrency)"),
    Flag.filter((n) => n >= 1, (n) => `--concurrency is ${n}; it must be 1 or more`),
    Flag.optional
  ),
  runner: Flag.String("runner").pipe(
    Flag.withMetavar("name"),
    Flag.withDescription("The name of this runner in runs and logs (default: host and process)"),
    Flag.optional
  ),
  once: Flag.Boolean("once").pipe(
    Flag.withDescription("Run what is due, and end: for cron"),
    Flag.withDefault(false)
  ),
  stopSeconds: Flag.Int("stop-seconds").pipe(
    Flag.withMetavar("seconds"),
    Flag.withDescription("How long runs may go on once it is asked to stop, before they are given back"),
    Flag.filter((n) => n >= 0, (n) => `--stop-seconds is ${n}; it must be 0 or more`),
    Flag.withDefault(25)
  ),
  ...logging
}, (input) => {
  const watching = runWatch(input).pipe(reporting(false))
  return input.once ? watching : service(watching)
}).pipe(
  Command.withDescription("Compute experiments anew when they are due, until it is stopped")
)

const runs = Command.make("runs", {
  experiment: Argument.String("experiment").pipe(
    Argument.withDescription("The key of an experiment (default: all)"),
    Argument.optional
  ),
  config,
  state: Flag.Literals("state", ["queued", "running", "succeeded", "failed", "cancelled"]).pipe(
    Flag.withDescription("Only runs in this state"),
    Flag.optional
  ),
  limit: Flag.Int("limit").pipe(
    Flag.withDescription("How many at most"),
    Flag.filter((n) => n >= 1, (n) => `--limit is ${n}; it must be 1 or more`),
    Flag.withDefault(20)
  ),
  cancel: Flag.String("cancel").pipe(
    Flag.withMetavar("id"),
    Flag.withDescription("Cancel this run instead, queued or running"),
    Flag.optional
  ),
  json
}, (input) => runRuns(input).pipe(reporting(input.json))).pipe(
  Command.withDescription("Show what is to run, what runs, and what has run")
)

const store = Command.make("store").pipe(
  Command.withDescription("Look after the store of runs and results"),
  Command.withSubcommands([
    Command.make("migrate", { config }, (input) => runMigrate(input).pipe(reporting(false))).pipe(
      Command.withDescription("Make the tables of a store in PostgreSQL, or bring them to this version")
    ),
    Command.make("backup", {
      path: Argument.String("path").pipe(Argument.withDescription("A file or folder that isn't there yet")),
      config
    }, (input) => runBackup(input).pipe(reporting(false))).pipe(
      Command.withDescription("Write everything to a new place, while others go on")
    ),
    Command.make("prune", {
      olderThan: Flag.String("older-than").pipe(
        Flag.withMetavar("time"),
        Flag.withDescription("Forget what is older than this, such as 90d")
      ),
      keep: Flag.Int("keep").pipe(
        Flag.withDescription("How many of the newest results of each experiment are kept however old they are"),
        Flag.filter((n) => n >= 1, (n) => `--keep is ${n}; it must be 1 or more`),
        Flag.withDefault(10)
      ),
      config
    }, (input) => runPrune(input).pipe(reporting(false))).pipe(
      Command.withDescription("Forget old runs and results, but never the newest")
    )
  ])
)

const state = Command.make("state", { config, json }, (input) => runState(input).pipe(reporting(input.json))).pipe(
  Command.withDescription("Show the states that incremental recomputes keep: what they have read, and their size"),
  Command.withSubcommands([
    Command.make("drop", { experiment, config }, (input) => runStateDrop(input).pipe(reporting(false))).pipe(
      Command.withDescription("Remove the states of an experiment; the next recompute makes them anew")
    )
  ])
)

const serve = Command.make("serve", {
  config,
  host: Flag.String("host").pipe(
    Flag.withDescription("The address to listen on; others than this machine's take tokens"),
    Flag.withDefault("127.0.0.1")
  ),
  port: Flag.Int("port").pipe(
    Flag.withDescription("The port to listen on; 0 takes a free one"),
    Flag.filter((n) => n >= 0 && n <= 65_535, (n) => `--port is ${n}; it must be 0 to 65535`),
    Flag.withDefault(4180)
  ),
  tokens: Flag.String("tokens").pipe(
    Flag.withMetavar("file"),
    Flag.withDescription(
      "Who may see what (default: the environment variable ASSAY_TOKENS; without both, this machine reads all)"
    ),
    Flag.optional
  ),
  refresh: Flag.Boolean("refresh").pipe(
    Flag.withDescription("Without tokens: let this machine also ask for new results"),
    Flag.withDefault(false)
  ),
  throttle: Flag.Int("throttle").pipe(
    Flag.withMetavar("seconds"),
    Flag.withDescription("Least time between a run that succeeded and the next that is asked for"),
    Flag.filter((n) => n >= 0, (n) => `--throttle is ${n}; it must be 0 or more`),
    Flag.withDefault(60)
  ),
  publicUrl: Flag.String("public-url").pipe(
    Flag.withMetavar("url"),
    Flag.withDescription("The address that browsers see, where a proxy stands in front"),
    Flag.optional
  ),
  audit: Flag.String("audit").pipe(
    Flag.withMetavar("file"),
    Flag.withDescription("Where refreshes are written down (default: audit.jsonl in the store's folder)"),
    Flag.optional
  ),
  worker: Flag.Boolean("worker").pipe(
    Flag.withDescription("Run the refreshes that nobody else runs; --no-worker leaves them all to `assay watch`"),
    Flag.withDefault(true)
  ),
  ...logging
}, (input) =>
  // Loaded only here: the pages take longer to load than every other command to run.
  Effect.promise(() => import("./commands/serve.ts")).pipe(
    Effect.flatMap(({ runServe }) => runServe(input)),
    reporting(false),
    service
  )).pipe(
    Command.withDescription("Serve the page and the API until it is interrupted")
  )

const token = Command.make("token", {
  name: Argument.String("name").pipe(Argument.withDescription("Who it is for; written to the audit log")),
  refresh: Flag.Boolean("refresh").pipe(
    Flag.withDescription("Let it ask for new results, too"),
    Flag.withDefault(false)
  ),
  environments: Flag.String("environment").pipe(
    Flag.withDescription("An environment whose experiments it sees (default: all); can be given several times"),
    Flag.atLeast(0)
  )
}, (input) => runToken(input).pipe(reporting(false))).pipe(Command.withDescription("Make a token for `assay serve`"))

const newAggregation = Command.make("aggregation", {
  name: Argument.String("name").pipe(
    Argument.withDescription("What metrics will call it: lower-case letters, digits and dashes")
  ),
  folder: Flag.String("folder").pipe(
    Flag.withDescription("Where to write it (default: a folder of that name here)"),
    Flag.optional
  )
}, (input) => runNewAggregation(input).pipe(reporting(false))).pipe(
  Command.withDescription("Write an aggregation of your own in a package of its own, with its test and an example")
)

const make = Command.make("new").pipe(
  Command.withDescription("Write something new to start from"),
  Command.withSubcommands([newAggregation])
)

const schema = Command.make("schema", {
  config,
  out: Flag.String("out").pipe(
    Flag.withMetavar("folder"),
    Flag.withDescription("Where to write them (default: schemas beside the configuration)"),
    Flag.optional
  ),
  json
}, (input) => runSchema(input).pipe(reporting(input.json))).pipe(
  Command.withDescription("Write JSON Schemas of the definition files for editors")
)

const doctor = Command.make("doctor", { config, json }, (input) => runDoctor(input).pipe(reporting(input.json))).pipe(
  Command.withDescription("Check Node, configuration, warehouse, tables, rights and store, and say how to mend each")
)

const calc = Command.make("calc", {}, () => runCalc).pipe(
  Command.withShortDescription(
    "Compute comparisons, sample-ratio checks and sample sizes from JSON lines, without a warehouse"
  ),
  Command.withDescription(calcHelp),
  Command.withExamples([
    {
      command: `echo '{"op":"srm","observed":[5100,4900],"expected":[1,1]}' | assay calc`,
      description: "One request"
    },
    { command: "assay calc < requests.jsonl > answers.jsonl", description: "A file of them" }
  ])
)

/** The whole command. */
export const assay = Command.make("assay").pipe(
  Command.withDescription(
    "Results of experiments whose events live in ClickHouse.\n\n" +
      "Exit codes: 0 all went well; 1 an experiment failed or something is broken; 2 a usage or definition error; " +
      "130 interrupted. A signal stops watch and serve gently, with 0; a second one at once."
  ),
  Command.withSubcommands([
    init,
    validate,
    explain,
    advise,
    recompute,
    watch,
    runs,
    results,
    replay,
    report,
    plan,
    serve,
    token,
    aggregations,
    make,
    schema,
    doctor,
    calc,
    store,
    state
  ])
)

/** What is wrong with the arguments goes to stderr, so that stdout holds results alone. */
const presenter = CliOutput.layerPresenter({
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? say(
        `${event.errors.map((error) => `error: ${error.message.trim()}`).join("\n")}\n` +
          `  See \`${event.commandPath.join(" ")} --help\``
      )
      : CliOutput.defaultPresenter.present(event)
})

/** Runs the command with these arguments. */
export const run = (args: ReadonlyArray<string>, version: string) =>
  Command.runWith(assay, { version })(args).pipe(Effect.provide(presenter))
