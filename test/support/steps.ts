/** Steps of a composite action, run as the runner of GitHub runs them: expressions filled in, `run` by bash, outputs gathered from a file. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export interface Action {
  readonly inputs: Readonly<
    Record<string, { readonly description: string; readonly default?: string; readonly required?: boolean }>
  >;
  readonly outputs: Readonly<Record<string, { readonly description: string; readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
}

export interface Step {
  readonly id?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, string>>;
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly run?: string;
}

export function readAction(path: string): Action {
  return parse(readFileSync(path, 'utf8'), { version: '1.2' }) as Action;
}

export interface StepEnded {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly outputs: Readonly<Record<string, string>>;
}

export interface StepRunning extends Promise<StepEnded> {
  readonly signal: (name: NodeJS.Signals) => void;
  /** Resolves when standard error has shown the text. */
  readonly saw: (text: string) => Promise<void>;
}

/** `${{ name }}` with what is known; anything else is an error of the test. */
export function filled(text: string, known: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{\{\s*([^}]*?)\s*\}\}/g, (_, name: string) => {
    const value = known[name];
    if (value === undefined) throw new Error(`the expression ${name} is not known here`);
    return value;
  });
}

/** Runs a `run` step in `folder`. `env` is the environment of the job. */
export function runStep(
  step: Step,
  known: Readonly<Record<string, string>>,
  folder: string,
  env: Readonly<Record<string, string>>,
): StepRunning {
  const output = join(folder, `output-${Math.random().toString(36).slice(2)}.txt`);
  const script = `${output}.sh`;
  writeFileSync(output, '');
  writeFileSync(script, step.run ?? '');
  const own = Object.fromEntries(Object.entries(step.env ?? {}).map(([name, text]) => [name, filled(text, known)]));
  const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', script], {
    cwd: folder,
    env: { ...env, ...own, GITHUB_OUTPUT: output },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const waiting: (() => void)[] = [];
  child.stdout.on('data', (piece: Buffer) => (stdout += piece.toString()));
  child.stderr.on('data', (piece: Buffer) => {
    stderr += piece.toString();
    for (const look of waiting) look();
  });
  const ended = new Promise<StepEnded>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr, outputs: outputsIn(output) }));
  });
  return Object.assign(ended, {
    signal: (name: NodeJS.Signals) => void child.kill(name),
    saw: (text: string) =>
      new Promise<void>((resolve, reject) => {
        const look = (): void => {
          if (stderr.includes(text)) resolve();
        };
        waiting.push(look);
        look();
        void ended.then(() => reject(new Error(`ended without ${text}: ${stderr}`)));
      }),
  });
}

function outputsIn(path: string): Record<string, string> {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}
