/** What the benchmarks share: deterministic rows, a server and an importer as processes of their own, and what the kernel says of them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Benchmarks are started by npm, in the root of the project. */
export const BIN = join(process.cwd(), 'bin', 'zep-import.js');

export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'zi-bench-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

/** `zep-import serve` on a free port, with its data in the folder given. */
export async function startServer(folder: string, flags: readonly string[] = []): Promise<Server> {
  const child = spawn(
    process.execPath,
    [BIN, 'serve', '--port', '0', '--data', join(folder, 'server.db'), '--quiet', ...flags],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (piece: Buffer) => {
      text += piece.toString();
      const match = /ready on (\S+)/.exec(text);
      if (match?.[1] !== undefined) resolve(match[1]);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  return {
    url,
    stop: async () => {
      if (child.exitCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

export interface Finished {
  readonly code: number | null;
  readonly wallMs: number;
  /** Peak resident memory of the process, bytes (VmHWM). */
  readonly peakBytes: number;
  readonly cpuMs: number;
  readonly stdout: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
}

export interface RunSettings {
  /** A file that comes as standard input, through a pipe. */
  readonly stdin?: string;
  /** Flags of Node itself. */
  readonly nodeFlags?: readonly string[];
  /** Started instead of the importer's own bin. */
  readonly entry?: string;
}

/** Runs the importer and watches it through /proc until it ends. */
export async function runImporter(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  settings: RunSettings = {},
): Promise<Finished> {
  return startImporter(args, env, settings).finished;
}

/** Starts the importer; one at a time, since what it took of the processor is told by the kernel as a sum. */
export function startImporter(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  { stdin, entry = BIN, nodeFlags = [] }: RunSettings = {},
): Running {
  const cpuBefore = cpuOfEndedChildren();
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...nodeFlags, entry, ...args], {
    env: { ...process.env, ...env },
    stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'inherit'],
  });
  if (stdin !== undefined && child.stdin !== null) createReadStream(stdin).pipe(child.stdin);
  let stdout = '';
  child.stdout?.on('data', (piece: Buffer) => (stdout += piece.toString()));
  let peakBytes = 0;
  const watch = setInterval(() => (peakBytes = Math.max(peakBytes, peakOf(child.pid))), 50);
  const exited = once(child, 'close') as Promise<[number | null]>;
  const finish = async (): Promise<Finished> => {
    const [code] = await exited;
    clearInterval(watch);
    const wallMs = performance.now() - startedAt;
    return { code, wallMs, peakBytes, cpuMs: cpuOfEndedChildren() - cpuBefore, stdout };
  };
  return { child, finished: finish() };
}

function peakOf(pid: number | undefined): number {
  const path = `/proc/${pid}/status`;
  if (pid === undefined || !existsSync(path)) return 0;
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(path, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0; // it has just ended
  }
}

/** User and system time of all children that have ended, in milliseconds (clock ticks are 10 ms on Linux; 0 where there is no /proc). */
export function cpuOfEndedChildren(): number {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[13]) + Number(fields[14])) * 10;
  } catch {
    return 0;
  }
}

export const mib = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
