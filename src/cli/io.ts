/** What the command line needs of its process, so that commands can be read and tested without one. */
import type { Readable, Writable } from 'node:stream';

export interface Io {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  exitCode?: number | string | null | undefined;
  on(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  removeListener(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  /** For a process that must end although something keeps it alive. */
  readonly pid?: number;
  kill?(pid: number, signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): unknown;
  removeAllListeners?(event: 'SIGINT' | 'SIGTERM'): unknown;
}

/** Writes the result and waits until the stream has taken it; a reader that went away (`| head`) is no failure of the run. */
export function print(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || !stream.writable) {
      resolve();
      return;
    }
    const ignore = (): void => resolve();
    stream.once('error', ignore);
    stream.write(text, () => {
      stream.removeListener('error', ignore);
      resolve();
    });
  });
}

/** Asks on standard error; without a terminal on both sides the answer is no. */
export async function agrees(question: string, io: Io): Promise<boolean> {
  return /^y(es)?$/i.test(await answerTo(`${question} [y/N] `, io));
}

/** Asks on standard error; without a terminal on both sides, and with an empty answer, it is `usual`. */
export async function ask(question: string, usual: string, io: Io): Promise<string> {
  const answer = await answerTo(`${question}${usual === '' ? '' : ` [${usual}]`}: `, io);
  return answer === '' ? usual : answer;
}

async function answerTo(question: string, { stdin, stderr }: Io): Promise<string> {
  if (stdin.isTTY !== true || stderr.isTTY !== true) return '';
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: stdin, output: stderr });
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    return (await Promise.race([lines.question(question), closed])).trim();
  } finally {
    lines.close();
  }
}
