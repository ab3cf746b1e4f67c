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
import { valuesOf, type Values } from './options.js';
import { endBySignal } from './signals.js';
import { packageVersion } from './version.js';

type Action = (args: readonly string[], values: Values, io: Io) => Promise<void>;

const INPUT = ['mapping', 'format', 'encoding', 'skip', 'limit', 'maxRecordBytes'] as const satisfies FlagName[];
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
const LOOK = ['progress', 'output', 'quiet', 'verbose', 'noColor'] as const satisfies FlagName[];
const SPEECH = [...LOOK, 'yes'] as const satisfies FlagName[];
const UPLOAD = ['chunkSize', 'batchSize', 'concurrency', 'order', 'settleWindow'] as const satisfies FlagName[];
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
] as const satisfies FlagName[];

/** Every flag of `run`, in the order of the help. */
export const RUN_FLAGS: readonly FlagName[] = [
  ...INPUT,
  ...TARGET,
  ...SERVICE,
  ...UPLOAD,
  'dryRun',
  'maxErrors',
  'wait',
  'noWait',
  'waitTimeout',
  'maxDuration',
  ...SPEECH,
];

/** So long may what a stopped command was waiting for keep the process. */
const LINGER_MS = 200;

/** Runs the command of `io.argv` and leaves the exit code in `io.exitCode`. Never throws. */
export async function main(io: Io): Promise<void> {
  const args = io.argv.slice(2);
  // A reader that goes away (`| head`) ends neither an import nor its exit code.
  for (const stream of [io.stdout, io.stderr]) stream.on('error', () => undefined);
  try {
    if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
      io.stdout.write(`${packageVersion()}\n`);
      io.exitCode = EXIT.ok;
      return;
    }
    // The server's own table is only needed by its command.
    const serveFlags = args.includes('serve') ? (await import('../emulator/options.js')).SERVE_FLAGS : [];
    await createProgram(io, serveFlags).parseAsync([...args], { from: 'user' });
  } catch (error) {
    const json = wantsJson(args, io.env);
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

/** The command line with all its commands; for the help, the documents and the shell completion as well. */
export function createProgram(io: Io, serveFlags: readonly ServeFlag[] = []): Command {
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
      const action = await load();
      await action(self.args, valuesOf(self, io.env), io);
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
    LOOK,
    async () => (await import('./commands/demo.js')).demo,
  );
  command(
    'preview [sources...]',
    'the first mapped items, exactly as they would be sent; nothing is written',
    [...INPUT, 'graph', 'user', 'thread', 'items', 'output'],
    async () => (await import('./commands/preview.js')).preview,
    { hidden: RUN_FLAGS.filter((name) => name !== 'dryRun') },
  );
  command(
    'check [sources...]',
    'read and map everything, send nothing: counts, rejects, time safety, calls, batches, cost',
    [
      ...INPUT,
      'testsOnly',
      ...TARGET,
      'chunkSize',
      'batchSize',
      'concurrency',
      'rateLimit',
      'local',
      'maxErrors',
      ...LOOK,
    ],
    async () => (await import('./commands/check.js')).check,
    { hidden: RUN_FLAGS },
  );
  addBatches(program, io);
  command(
    'schema',
    'JSON Schema of the mapping file, for editors',
    [],
    async () => (await import('./commands/schema.js')).schema,
  );
  addServe(program, io, serveFlags);
  return program;
}

function addBatches(program: Command, io: Io): void {
  const batches = program.command('batches').description("the service's own batches");
  const sub = (
    text: string,
    description: string,
    flags: readonly FlagName[],
    name: 'list' | 'show' | 'items' | 'remove',
  ): void => {
    const wording = { limit: 'show at most so many [1000]' };
    addFlags(batches.command(text).description(description), flags, { wording }).action(
      async (...parameters: unknown[]) => {
        const self = parameters.at(-1) as Command;
        const actions = await import('./commands/batches.js');
        await actions[name](self.args, valuesOf(self, io.env), io);
      },
    );
  };
  sub('list', 'all batches of the project, newest first', [...LISTS, 'status'], 'list');
  sub(
    'show <batch>',
    'one batch',
    LISTS.filter((name) => name !== 'limit'),
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
    [...LISTS.filter((name) => name !== 'limit'), 'yes'],
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
  addFlags(made, ['stateDir', 'quiet']).action(async () => {
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

Every flag can be given as a variable: ZEP_IMPORT_CHUNK_SIZE=100 is --chunk-size 100.

Exit codes:
${codes}`;
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
