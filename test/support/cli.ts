/** The real program as a child process, with a state folder of its own, and a local server as another. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const BIN = join(ROOT, 'bin', 'zep-import.js');
/** Parts of the program to start processes on (build-parts.mjs). */
export const PARTS = join(ROOT, 'dist-parts');
export const MAPPINGS = join(ROOT, 'fixtures', 'mappings');
/** Real inputs that are no part of the project; tests that need them are skipped without. */
export const DATA = process.env['ZEP_IMPORT_TEST_DATA'] ?? resolve(ROOT, '../shared/data');
export const hasData = existsSync(DATA);

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started extends Promise<Ended> {
  readonly child: ChildProcess;
  /** Resolves when standard error has shown the text. */
  saw(text: string | RegExp): Promise<void>;
}

export interface Workplace {
  readonly folder: string;
  path(name: string): string;
  write(name: string, content: string | Uint8Array): string;
  /** Starts the program with its own state folder; `env` is added to an environment without any ZEP variable. */
  start(
    args: readonly string[],
    options?: { env?: Record<string, string>; stdin?: string | Uint8Array; command?: readonly string[] },
  ): Started;
  /** `zep-import serve` on a free port; its address. Stopped by `close`. */
  serve(flags?: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

export function workplace(): Workplace {
  const folder = mkdtempSync(join(tmpdir(), 'zi-e2e-'));
  const children: ChildProcess[] = [];
  const start: Workplace['start'] = (args, options = {}) => {
    const [program = process.execPath, ...before] = options.command ?? [process.execPath, BIN];
    const child = spawn(program, [...before, ...args], {
      cwd: folder,
      env: {
        ...cleanEnvironment(),
        XDG_STATE_HOME: join(folder, 'state'),
        XDG_CONFIG_HOME: join(folder, 'config'),
        ...options.env,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    children.push(child);
    child.stdin.on('error', () => undefined); // the program may end before it has read everything
    // 'open': a writer that never stops.
    if (options.stdin !== 'open') child.stdin.end(options.stdin);
    return watched(child);
  };
  return {
    folder,
    path: (name) => join(folder, name),
    write(name, content) {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    },
    start,
    async serve(flags = []) {
      const server = start(['serve', '--port', '0', '--data', ':memory:', ...flags]);
      return new Promise<string>((found, failed) => {
        let text = '';
        server.child.stdout?.on('data', (piece: Buffer) => {
          text += piece.toString();
          const url = /ready on (\S+)/.exec(text)?.[1];
          if (url !== undefined) found(url);
        });
        server.then(({ stderr }) => failed(new Error(`the server ended: ${stderr}`)), failed);
      });
    },
    async close() {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill('SIGKILL');
        await new Promise((done) => child.once('exit', done));
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function cleanEnvironment(): Record<string, string> {
  const names = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'NODE_EXTRA_CA_CERTS'];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name] ?? '']])),
  );
}

function watched(child: ChildProcess): Started {
  let stdout = '';
  let stderr = '';
  const waiting: { readonly text: string | RegExp; readonly resolve: () => void }[] = [];
  child.stdout?.on('data', (piece: Buffer) => (stdout += piece.toString()));
  child.stderr?.on('data', (piece: Buffer) => {
    stderr += piece.toString();
    for (const each of waiting) if (matches(stderr, each.text)) each.resolve();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return Object.assign(ended, {
    child,
    saw: (text: string | RegExp) =>
      Promise.race([
        new Promise<void>((resolve) => {
          if (matches(stderr, text)) resolve();
          else waiting.push({ text, resolve });
        }),
        ended.then(({ stderr: all }) => {
          if (!matches(all, text)) throw new Error(`ended without ${String(text)}: ${all}`);
        }),
      ]),
  });
}

function matches(text: string, wanted: string | RegExp): boolean {
  return typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text);
}

/** `n` wire items as JSON lines: they need no mapping. */
export function wireLines(n: number, graph = 'g'): string {
  return Array.from(
    { length: n },
    (_, i) =>
      `${JSON.stringify({ type: 'graph_episode', graph_id: graph, data: `row ${i}`, data_type: 'text', created_at: '2024-05-01T00:00:00Z' })}\n`,
  ).join('');
}
