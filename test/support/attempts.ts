/**
 * One try of the real program: started, killed at a step or a moment, stopped by a signal, or left alone; and everything that can be said
 * about it afterwards. What a try did is kept with it, so that a failing test can tell its whole story.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { BIN, PARTS, ROOT, type Ended, type Workplace } from './cli.js';

const SUPPORT = join(ROOT, 'test', 'support');
const KILL_AT = pathToFileURL(join(SUPPORT, 'kill-at.mjs')).href;
const HURRY = pathToFileURL(join(SUPPORT, 'hurry.mjs')).href;
export const WEAKENED_BIN = join(PARTS, 'weakened-bin.js');

export interface AttemptOptions {
  /** As ZI_TEST_KILL takes it (kill-at.mjs). */
  readonly kill?: string | undefined;
  readonly signal?: { readonly name: 'SIGINT' | 'SIGTERM'; readonly afterMs: number } | undefined;
  readonly stdin?: string | Uint8Array | undefined;
  /** Switches off one safeguard of the program (weakened-bin.ts). */
  readonly without?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
  /** False: long waits keep their length. */
  readonly hurry?: boolean;
}

export interface Attempt extends Ended {
  readonly args: readonly string[];
  readonly options: AttemptOptions;
  /** The steps of the protocol that it passed, in order. */
  readonly steps: readonly string[];
  /** What it printed with `-o json`: a summary, an error, the answer of another command. */
  readonly report: Report | undefined;
  /** Codes of the notices that it gave with `--progress json`. */
  readonly notices: readonly string[];
  /** True when it had to be ended because it did not end. */
  readonly hung: boolean;
}

export interface Report {
  readonly type?: string;
  readonly run?: string;
  readonly status?: string;
  readonly code?: string;
  readonly exit_code?: number;
  readonly read?: number;
  readonly accepted?: number;
  readonly rejected?: number;
  readonly items?: Readonly<Record<string, number>>;
  readonly records?: Readonly<Record<string, number>>;
  readonly notes?: readonly string[];
  readonly errors?: readonly Readonly<Record<string, unknown>>[];
  readonly files?: readonly string[];
  readonly next?: string | null;
  readonly message?: string;
  readonly hint?: string | null;
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string | null };
}

/** No try takes longer, whatever fails on its way. */
const PATIENCE_MS = 40_000;
let traces = 0;

/** Runs the program to its end, whatever that is. Never throws because of it. */
export async function attempt(at: Workplace, args: readonly string[], options: AttemptOptions = {}): Promise<Attempt> {
  const trace = at.path(`steps-${++traces}.txt`);
  const bin = options.without === undefined ? BIN : WEAKENED_BIN;
  const preloads = ['--import', KILL_AT, ...(options.hurry === false ? [] : ['--import', HURRY])];
  const running = at.start(args, {
    command: [process.execPath, ...preloads, bin],
    env: {
      ...options.env,
      ZI_TEST_TRACE: trace,
      ...(options.kill === undefined ? {} : { ZI_TEST_KILL: options.kill }),
      ...(options.without === undefined ? {} : { ZI_TEST_WITHOUT: options.without }),
    },
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
  });
  const { signal } = options;
  const stop = signal === undefined ? undefined : setTimeout(() => running.child.kill(signal.name), signal.afterMs);
  let hung = false;
  const patience = setTimeout(() => {
    hung = true;
    running.child.kill('SIGKILL');
  }, PATIENCE_MS);
  const ended = await running.finally(() => {
    clearTimeout(stop);
    clearTimeout(patience);
  });
  return {
    ...ended,
    args,
    options,
    hung,
    steps: existsSync(trace) ? readFileSync(trace, 'utf8').split('\n').filter(Boolean) : [],
    report: reportOf(ended.stdout),
    notices: noticesOf(ended.stderr),
  };
}

/**
 * A command that only reads, run by the program inside this process: most of what such a command costs is the start of a process. Paths are
 * to be absolute.
 */
export async function readingCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Attempt> {
  const { main } = (await import(pathToFileURL(join(ROOT, 'dist', 'main.js')).href)) as {
    readonly main: (io: object) => Promise<void>;
  };
  const texts = { stdout: '', stderr: '' };
  const into = (name: keyof typeof texts): Writable =>
    new Writable({
      write(piece: Buffer, _, done) {
        texts[name] += piece.toString();
        done();
      },
    });
  const io = {
    argv: ['node', BIN, ...args],
    env,
    stdin: Readable.from([]),
    stdout: into('stdout'),
    stderr: into('stderr'),
    exitCode: 1,
    on: () => undefined,
    removeListener: () => undefined,
  };
  await main(io);
  const ended = { ...texts, code: io.exitCode, signal: null };
  return { ...ended, args, options: {}, hung: false, steps: [], report: reportOf(texts.stdout), notices: [] };
}

/** Whether it died where it was to be killed (and not at the end of our patience). */
export function wasKilled({ signal, options, hung }: Attempt): boolean {
  return signal === 'SIGKILL' && options.kill !== undefined && !hung;
}

/** What a person needs to see of a try: how it was started and stopped, how it ended, what it said. */
export function story({ args, options, code, signal, steps, report, notices, stderr, hung }: Attempt): string {
  const { kill, signal: sent, without } = options;
  const ending = hung ? 'did not end' : signal === null ? `exit ${code}` : signal;
  const lines = [
    `zep-import ${args.join(' ')}`,
    ...(without === undefined ? [] : [`  without ${without}`]),
    ...(kill === undefined ? [] : [`  killed at ${kill}`]),
    ...(sent === undefined ? [] : [`  ${sent.name} after ${sent.afterMs} ms`]),
    `  ${ending}, ${steps.length} steps, the last: ${steps.slice(-12).join(' ')}`,
  ];
  if (notices.length > 0) lines.push(`  notices: ${notices.join(' ')}`);
  if (report !== undefined) lines.push(`  said: ${inShort(report)}`);
  else if (signal === null) lines.push(`  standard error: ${stderr.slice(-1_500)}`);
  return lines.join('\n');
}

/** A report without what no story needs. */
function inShort({ error, ...report }: Report): string {
  const { time: _time, batches: _batches, files: _files, ...rest } = report as Record<string, unknown>;
  return JSON.stringify({ ...(error === undefined ? {} : { error }), ...rest }).slice(0, 1_500);
}

function reportOf(stdout: string): Report | undefined {
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  const value = parsed(last) ?? parsed(stdout);
  return typeof value === 'object' && value !== null ? value : undefined;
}

function noticesOf(stderr: string): readonly string[] {
  return stderr.split('\n').flatMap((line) => {
    const event = parsed(line) as { type?: unknown; code?: unknown } | undefined;
    return event?.type === 'notice' && typeof event.code === 'string' ? [event.code] : [];
  });
}

function parsed(text: string): unknown {
  if (!/^[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
