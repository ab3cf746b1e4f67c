/**
 * The command line: finds the command, parses its flags, loads its code and runs it. The only place that catches everything. A command's code is
 * imported when it runs, so that `--version` and `--help` stay instant.
 */
import { Command, CommanderError } from 'commander';
import type { ServeFlag } from '../emulator/options.js';
import { usageError } from '../errors.js';
import { EXIT, EXIT_MEANINGS } from './exit-codes.js';
import { describeFailure, failureJson, tellFailure, Told } from './failure.js';
import { addFlags, type FlagName, type FlagsOfCommand } from './flags.js';
import { print, type Io } from './io.js';
import { effectiveValues, valuesOf, type Values } from './options.js';
import { RUN_CONDITIONS } from '../run-report.js';
import { FULL_PROTOCOL, type Protocol } from '../run/protocol.js';
import { endBySignal } from './signals.js';
import { packageVersion } from './version.js';

type ValuesFor = (self: Command, io: Io) => Promise<Values>;
type Action = (args: readonly string[], values: Values, io: Io, protocol: Protocol) => Promise<void>;

const INPUT = [
  'mapping',
  'preset',
  'includeDms',
  'format',
  'encoding',
  'skip',
  'limit',
  'maxRecordBytes',
  'maxDocumentBytes',
  'maxDocumentSeconds',
  'sort',
] as const satisfies FlagName[];
const TARGET = ['graph', 'user', 'thread', 'createMissing'] as const satisfies FlagName[];
const SERVICE = [
  'local',
  'apiKey',
  'apiKeyFile',
  'apiUrl',
  'profile',
  'rateLimit',
  'stateDir',
] as const satisfies FlagName[];
/** Every command that takes a flag takes these. */
const CONFIG = ['config', 'noConfig'] as const satisfies FlagName[];
const LOOK = ['progress', 'output', 'quiet', 'verbose', 'noColor'] as const satisfies FlagName[];
const SPEECH = [...LOOK, 'yes', ...CONFIG] as const satisfies FlagName[];
/** What is left behind for others than the terminal. */
const REPORTS = ['annotations', 'junit', 'summaryFile', 'notify'] as const satisfies FlagName[];
const UPLOAD = ['chunkSize', 'batchSize', 'concurrency', 'order', 'settleWindow'] as const satisfies FlagName[];
const BOOKS = ['name', 'restart', 'dedupe', 'noDedupe', 'onChanged', 'noSpool'] as const satisfies FlagName[];
const LISTS = [
  'local',
  'apiKey',
  'apiKeyFile',
  'apiUrl',
  'profile',
  'stateDir',
  'output',
  'quiet',
  'noColor',
  'limit',
  'skip',
  ...CONFIG,
] as const satisfies FlagName[];

/** A run may be named by its id, the beginning of it, or its name. */
const ASKING = [
  'local',
  'apiKey',
  'apiKeyFile',
  'apiUrl',
  'profile',
  'rateLimit',
  'stateDir',
  'output',
  'quiet',
  'noColor',
  ...CONFIG,
] as const satisfies FlagName[];
const KEPT = ['stateDir', 'output', 'quiet', 'noColor', ...CONFIG] as const satisfies FlagName[];

const STATUS_EXITS = `
Exit codes of status:
    0  everything was accepted and processed, or the run stands as the first line says
   10  over, but rows were rejected or items failed and nobody has dealt with them
   12  the service (or another process) still works on it
   14  drafts wait to be processed: resume or commit hands them over
    4  no such run, or the key belongs to another project
`;
const AUDIT_EXITS = `
Exit codes of audit:
    0  every check that can be made holds
   10  a check is wrong, or a batch is gone
`;

const DASHBOARD_NOTES = `
The first line on standard output is the address, with a token that only you see: whoever has it can read what the page shows.
In a terminal the browser is opened. Ctrl-C ends it.

Examples:
  zep-import dashboard                                  the project of ZEP_API_KEY
  zep-import dashboard --local                          the local server's data in the state folder
  zep-import dashboard --api-url http://127.0.0.1:8787  a server that zep-import serve runs (any key: -k local)
`;

const DOCTOR_EXITS = `
It changes nothing at the service. Exit codes of doctor: 0 when nothing stands in the way (warnings are told), else that of the first problem:
    2  flags, a config file, or the state folder      6  the service is not reached, or out of order
    3  no key, or the service refuses it              7  it does not answer in time
    4  no Batch API at this address                  20  the ledger is damaged, or the disk is full
`;
const COMPLETION_HELP = `
bash:  zep-import completion bash > ~/.local/share/bash-completion/completions/zep-import
       (without the bash-completion package: echo 'source <(zep-import completion bash)' >> ~/.bashrc)
zsh:   zep-import completion zsh > "\${fpath[1]}/_zep-import"
       (or, behind compinit in ~/.zshrc: source <(zep-import completion zsh))
fish:  zep-import completion fish > ~/.config/fish/completions/zep-import.fish
Then open a new shell.
`;

/** Every flag of `run`, in the order of the help. */
export const RUN_FLAGS: readonly FlagName[] = [
  ...INPUT,
  'sortMemory',
  ...TARGET,
  ...SERVICE,
  ...UPLOAD,
  ...BOOKS,
  'dryRun',
  'maxErrors',
  'stageOnly',
  'wait',
  'noWait',
  'waitTimeout',
  'maxDuration',
  ...SPEECH,
  ...REPORTS,
];

/** Flags that mean the same for a command that goes on with a run. */
const GOING_ON: readonly FlagName[] = [
  ...SERVICE,
  ...UPLOAD,
  'sortMemory',
  'maxErrors',
  'wait',
  'noWait',
  'waitTimeout',
  'maxDuration',
  ...SPEECH,
  ...REPORTS,
];

/** What made a row or a document too large, or too slow, may be raised. */
const LIMITS_OF_ROWS: readonly FlagName[] = ['maxRecordBytes', 'maxDocumentBytes', 'maxDocumentSeconds'];

/** Flags whose values config files may give. `items` shares its letter with another flag. */
const SHOWN_BY_CONFIG: readonly FlagName[] = [
  ...RUN_FLAGS,
  'out',
  'keep',
  'olderThan',
  'only',
  'remap',
  'forget',
  'explain',
  'testsOnly',
  'watch',
  'deep',
  'fresh',
];

/** So long may what a stopped command was waiting for keep the process. */
const LINGER_MS = 200;

/** Runs the command of `io.argv` and leaves the exit code in `io.exitCode`. Never throws. */
export async function main(io: Io, { protocol = FULL_PROTOCOL }: { readonly protocol?: Protocol } = {}): Promise<void> {
  const args = io.argv.slice(2);
  const asked: Asked = { json: false };
  // A reader that goes away (`| head`) ends neither an import nor its exit code.
  for (const stream of [io.stdout, io.stderr]) stream.on('error', () => undefined);
  try {
    if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
      io.stdout.write(`${packageVersion()}\n`);
      io.exitCode = EXIT.ok;
      return;
    }
    if (args[0] === '__complete') {
      const { answerCompletion } = await import('./completion/answer.js');
      await answerCompletion(args.slice(1), io);
      io.exitCode = EXIT.ok;
      return;
    }
    // The server's own table is only needed by its command.
    const serveFlags = args.includes('serve') ? (await import('../emulator/options.js')).SERVE_FLAGS : [];
    await createProgram(io, serveFlags, protocol, asked).parseAsync([...args], { from: 'user' });
  } catch (error) {
    const json = asked.json || wantsJson(args, io.env);
    if (error instanceof CommanderError) {
      // commander has printed its message already.
      io.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
      if (io.exitCode === EXIT.ok || !json) return;
      const failure = describeFailure(usageError('usage', error.message.replace(/^error: /, '')));
      await print(io.stdout, failureJson(failure));
      return;
    }
    await tellFailure(error, io, json);
    if (error instanceof Told && error.signal !== undefined) endBySignal(io, error.signal, LINGER_MS);
  } finally {
    // A command that ends before its input does must not wait for a writer that never stops.
    io.stdin.destroy();
  }
}

/** In which form the result is asked for, as far as it is known. */
interface Asked {
  json: boolean;
}

/** The command line with all its commands; for the help, the documents and the shell completion as well. */
export function createProgram(
  io: Io,
  serveFlags: readonly ServeFlag[] = [],
  protocol: Protocol = FULL_PROTOCOL,
  asked: Asked = { json: false },
): Command {
  /** What flags, variables and config files say; a failure after this is told in the form that they ask for. */
  const valuesFor = async (self: Command, of: Io): Promise<Values> => {
    const values = await effectiveValues(self, of.env);
    asked.json = values.output === 'json';
    return values;
  };
  const program = new Command('zep-import')
    .description(
      'Bulk importer for Zep: streams JSONL, CSV and JSON files into the Batch API; nothing lost, nothing twice.',
    )
    .version(packageVersion(), '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
    })
    .showSuggestionAfterError(true)
    .showHelpAfterError('  zep-import --help lists commands and flags; a path that begins with - goes after --')
    .enablePositionalOptions()
    .addHelpText('after', helpFooter());

  const command = (
    text: string,
    description: string,
    flags: readonly FlagName[],
    load: () => Promise<Action>,
    more: FlagsOfCommand & { readonly isDefault?: boolean } = {},
  ): Command => {
    const made = program.command(text, { isDefault: more.isDefault === true }).description(description);
    addFlags(made, flags, more).action(async (...parameters: unknown[]) => {
      const self = parameters.at(-1) as Command;
      const values = await valuesFor(self, io);
      const action = await load();
      await action(self.args, values, io, protocol);
    });
    return made;
  };

  command(
    'run [sources...]',
    'import (the default command)',
    RUN_FLAGS,
    async () => (await import('./commands/run.js')).run,
    { isDefault: true },
  );
  command(
    'demo',
    'import samples from inside this package into the embedded local server',
    [...LOOK, ...CONFIG],
    async () => (await import('./commands/demo.js')).demo,
  );
  command(
    'resume [run]',
    'go on with an undelivered run: the same command does the same',
    GOING_ON,
    async () => (await import('./commands/resume.js')).resume,
  );
  command(
    'retry [run]',
    'send again what was rejected or failed',
    ['only', 'remap', 'forget', ...LIMITS_OF_ROWS, ...GOING_ON],
    async () => (await import('./commands/retry.js')).retry,
  );
  command(
    'commit [run]',
    'process the drafts of a run made with --stage-only',
    GOING_ON,
    async () => (await import('./commands/resume.js')).commit,
  );
  command(
    'discard [run]',
    'delete the drafts of a run that was not delivered, and close it',
    [...SERVICE, ...SPEECH],
    async () => (await import('./commands/discard.js')).discard,
  );
  command(
    'preview [sources...]',
    'the first mapped items, exactly as they would be sent; nothing is written',
    [...INPUT, 'graph', 'user', 'thread', 'items', 'output', ...CONFIG],
    async () => (await import('./commands/preview.js')).preview,
    { hidden: RUN_FLAGS.filter((name) => name !== 'dryRun') },
  );
  command(
    'check [sources...]',
    'read and map everything, send nothing: counts, rejects, time safety, calls, batches, cost',
    [
      ...INPUT,
      'sortMemory',
      'testsOnly',
      'explain',
      ...TARGET,
      'chunkSize',
      'batchSize',
      'concurrency',
      'rateLimit',
      'local',
      'maxErrors',
      'dedupe',
      'noDedupe',
      'onChanged',
      ...LOOK,
      ...CONFIG,
      ...REPORTS.filter((name) => name !== 'notify'),
    ],
    async () => (await import('./commands/check.js')).check,
    { hidden: RUN_FLAGS },
  );
  command(
    'init [sources...]',
    'guess a mapping from the data, write it with comments, show what it makes',
    [
      'preset',
      'format',
      'encoding',
      'maxRecordBytes',
      'maxDocumentBytes',
      'maxDocumentSeconds',
      'graph',
      'user',
      'thread',
      'out',
      'yes',
      'output',
      'quiet',
      ...CONFIG,
    ],
    async () => (await import('./commands/init.js')).init,
    { hidden: RUN_FLAGS },
  );
  addRuns(program, io, valuesFor);
  command(
    'status [run]',
    'one run: how far it is, counts, batches, what went wrong, and what to type next [the newest]',
    [...ASKING, 'watch'],
    async () => (await import('./commands/status.js')).status,
  ).addHelpText('after', STATUS_EXITS);
  command(
    'audit [run]',
    "prove the books of a run from the service's own records [the newest]",
    [...ASKING, 'deep'],
    async () => (await import('./commands/audit.js')).audit,
  ).addHelpText('after', AUDIT_EXITS);
  command(
    'receipt [run]',
    'for every row of a run: its batch, index, episode uuid and state, as CSV [the newest]',
    [...ASKING, 'fresh'],
    async () => (await import('./commands/receipt.js')).receipt,
    { choices: { output: ['csv', 'json'] }, wording: { output: 'CSV, or a JSON object a line' } },
  );
  addBatches(program, io, valuesFor);
  addOverConfig(program, io, asked);
  command(
    'dashboard',
    'a web page on this machine over batches and runs, live: http://127.0.0.1:PORT',
    ['port', 'noOpen', ...ASKING],
    async () => (await import('./commands/dashboard.js')).dashboard,
    {
      wording: {
        local: 'look at the local server inside this process (data in the state folder)',
        rateLimit: 'make at most so many calls a minute [a fifth of what the service allows]',
        output: 'how the address is printed on standard output',
        quiet: 'say nothing but the address and what went wrong',
      },
    },
  ).addHelpText('after', DASHBOARD_NOTES);
  command(
    'schema',
    'JSON Schema of the mapping file, for editors',
    [],
    async () => (await import('./commands/schema.js')).schema,
  );
  const completion = command(
    'completion <shell>',
    'a script that makes your shell complete commands, flags, values and runs',
    [],
    async () => (await import('./commands/completion.js')).completion,
  ).addHelpText('after', COMPLETION_HELP);
  completion.registeredArguments[0]?.choices(['bash', 'zsh', 'fish']);
  addServe(program, io, serveFlags);
  return program;
}

function addRuns(program: Command, io: Io, valuesFor: ValuesFor): void {
  const add = (made: Command, flags: readonly FlagName[], more: FlagsOfCommand, name: 'runs' | 'prune'): Command =>
    addFlags(made, flags, more).action(async (...parameters: unknown[]) => {
      const self = parameters.at(-1) as Command;
      const actions = await import('./commands/runs.js');
      await actions[name](self.args, await valuesFor(self, io), io);
    });
  const wording = {
    limit: 'show at most so many',
    skip: 'pass over so many first',
    status: `only those in this state (${RUN_CONDITIONS.join(', ')})`,
  };
  const runs = program.command('runs').description('all runs of the state folder, newest first');
  add(runs, [...KEPT, 'limit', 'skip', 'status'], { wording, hidden: ASKING }, 'runs');
  const prune = runs
    .command('prune')
    .description('forget old runs: their folders and what the ledger has of them; what a project holds stays known');
  add(
    prune,
    ['keep', 'olderThan', 'dryRun', ...KEPT],
    { wording: { dryRun: 'say what would be forgotten, forget nothing' }, hidden: ASKING },
    'prune',
  );
}

/** Commands that look at config files, and so must work where those are wrong, or want what they may not have. */
function addOverConfig(program: Command, io: Io, asked: Asked): void {
  const add = (made: Command, flags: readonly FlagName[], work: (self: Command) => Promise<void>): Command =>
    addFlags(made, flags, { hidden: SHOWN_BY_CONFIG }).action(async (...parameters: unknown[]) => {
      const self = parameters.at(-1) as Command;
      asked.json = valuesOf(self, io.env).output === 'json';
      await work(self);
    });
  const config = program
    .command('config')
    .description('config files: what holds and where it comes from, and where they are looked for');
  add(
    config.command('show').description('the settings that hold here; the key is never shown'),
    ['origin', 'profile', 'output', ...CONFIG],
    async (self) => (await import('./commands/config.js')).showConfig(self, io),
  );
  add(
    config.command('path').description('which config files are looked for, and which there are'),
    ['output', ...CONFIG],
    async (self) => (await import('./commands/config.js')).configPaths(self, io),
  );
  add(
    program
      .command('doctor')
      .description('what works between this machine and the Batch API, and what to do about the rest'),
    [...SERVICE, 'output', 'noColor', ...CONFIG],
    async (self) => (await import('./commands/doctor.js')).doctor(self, io),
  ).addHelpText('after', DOCTOR_EXITS);
}

function addBatches(program: Command, io: Io, valuesFor: ValuesFor): void {
  const batches = program.command('batches').description("the service's own batches");
  const sub = (
    text: string,
    description: string,
    flags: readonly FlagName[],
    name: 'list' | 'show' | 'items' | 'remove',
  ): void => {
    const wording = { limit: 'show at most so many [1000]', skip: 'pass over so many first' };
    addFlags(batches.command(text).description(description), flags, { wording }).action(
      async (...parameters: unknown[]) => {
        const self = parameters.at(-1) as Command;
        const actions = await import('./commands/batches.js');
        await actions[name](self.args, await valuesFor(self, io), io);
      },
    );
  };
  sub('list', 'all batches of the project, newest first', [...LISTS, 'status'], 'list');
  sub(
    'show <batch>',
    'one batch',
    LISTS.filter((name) => name !== 'limit' && name !== 'skip'),
    'show',
  );
  sub(
    'items <batch>',
    'the items of a batch, with their source rows where the ledger knows them',
    [...LISTS, 'status'],
    'items',
  );
  sub(
    'delete <batches...>',
    'delete drafts (and invalid batches)',
    [...LISTS.filter((name) => name !== 'limit' && name !== 'skip'), 'yes'],
    'remove',
  );
}

function addServe(program: Command, io: Io, serveFlags: readonly ServeFlag[]): void {
  const made = program.command('serve').description("the local server: Zep's Batch API on this machine");
  for (const { name, value, description, default: standard, repeatable } of serveFlags) {
    const note = standard === undefined ? description : `${description} [${standard}]`;
    const option = made.createOption(value === undefined ? `--${name}` : `--${name} <${value}>`, note);
    if (repeatable) option.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text]);
    made.addOption(option);
  }
  addFlags(made, ['stateDir', 'quiet', ...CONFIG]).action(async () => {
    const { serve } = await import('./commands/serve.js');
    await serve(made, io);
  });
}

function helpFooter(): string {
  const codes = EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`).join('\n');
  return `
Examples:
  zep-import demo                                        a first import, without an account
  zep-import preview tickets.csv -m map.yaml             what would be sent
  zep-import tickets.csv 'chats/*.jsonl.gz' -m map.yaml  import (ZEP_API_KEY is set)
  zep-import tickets.csv -m map.yaml --local             the same into the local server

Every flag can be given as a variable (ZEP_IMPORT_CHUNK_SIZE=100 is --chunk-size 100), and stand in a config file: chunk-size: 100 in
zep-import.yaml, beside the data, or in your own (zep-import config path). What works and what does not: zep-import doctor.

Exit codes:
${codes}`;
}

/** The flags and sources of a `run` command line, as that command would take them. The environment is not asked again. */
export function parseRun(words: readonly string[]): { readonly args: readonly string[]; readonly values: Values } {
  const command = addFlags(new Command('run').argument('[sources...]'), RUN_FLAGS).exitOverride();
  command.parse([...words], { from: 'user' });
  return { args: command.args, values: valuesOf(command, {}) };
}

/** Asked before anything is parsed, because a mistyped flag must be answered in the form asked for as well. */
function wantsJson(args: readonly string[], env: Io['env']): boolean {
  if (env['ZEP_IMPORT_OUTPUT'] === 'json' && !args.some((arg) => /^(-o|--output)(=?table)?$/.test(arg))) return true;
  return args.some(
    (arg, index) =>
      arg === '--output=json' ||
      arg === '-ojson' ||
      ((arg === '-o' || arg === '--output') && args[index + 1] === 'json'),
  );
}
