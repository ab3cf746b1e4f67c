/** Command lines as documents show them, tried on the program's own parser. */
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/main.js';
import { SERVE_FLAGS } from '../../src/emulator/options.js';

const io = {
  argv: [],
  env: {},
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  on: () => undefined,
  removeListener: () => undefined,
};

export function program(): Command {
  return createProgram(io, SERVE_FLAGS).configureOutput({ writeErr: () => undefined });
}

/** What the program does not take of a command line; empty when it takes it. Nothing is run. */
export function refused(words: readonly string[]): readonly string[] {
  let command = program();
  let rest = [...words];
  for (;;) {
    const next = command.commands.find((each) => each.name() === rest[0]);
    if (next === undefined) break;
    command = next.configureOutput({ writeErr: () => undefined });
    rest = rest.slice(1);
  }
  if (command.parent === null) command = command.commands.find((each) => each.name() === 'run') ?? command;
  return command.parseOptions(rest).unknown;
}

/** Words as a shell makes them, as far as these examples need it. */
export function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );
}

export interface Block {
  readonly language: string;
  /** What stands behind the language: a file name, or `no-run`. */
  readonly note: string;
  readonly text: string;
}

export function blocksOf(page: string): readonly Block[] {
  return [...page.matchAll(/^```(\w*) ?([^\n]*)\n([^]*?)^```$/gm)].map(([, language = '', note = '', text = '']) => ({
    language,
    note,
    text,
  }));
}

/** Every `zep-import ...` in blocks and in the text of a page. */
export function commandLines(page: string): readonly string[] {
  const inText = [...page.replace(/^```[^]*?^```$/gm, '').matchAll(/`zep-import ([^`]+)`/g)].map(
    ([, line = '']) => line,
  );
  const inBlocks = blocksOf(page).flatMap(({ text }) =>
    [...text.matchAll(/(?:^|[\s/(])zep-import ([a-z][^\n|;)>&#]*)/g)].map(([, line = '']) => line),
  );
  return [...inText, ...inBlocks].map((line) => line.trim());
}
