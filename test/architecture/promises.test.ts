import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EXIT_MEANINGS } from '../../src/cli/exit-codes.js';
import { FLAGS, variableOf, type Flag } from '../../src/cli/flags.js';
import { RUN_FLAGS } from '../../src/cli/main.js';
import { FUNCTIONS, SPECIAL_FORMS } from '../../src/mapping/index.js';
import { commandNames } from '../../src/cli/command-names.js';
import { program } from '../support/command-lines.js';

const path = fileURLToPath(new URL('../../README.md', import.meta.url));

/** `npm run readme` writes these parts; this test reads them. */
function flagTable(): string {
  const rows = RUN_FLAGS.map((name): string => {
    const flag: Flag = FLAGS[name];
    const choices = flag.choices === undefined ? '' : ` (${flag.choices.join(', ')})`;
    const standard = flag.default === undefined ? '' : String(flag.default);
    return `| \`${flag.flags.replaceAll('|', '\\|')}\` | ${flag.description.replaceAll('<', '&lt;')}${choices} | ${standard === '' ? '' : `\`${standard}\``} |`;
  });
  return ['| flag | what it does | default |', '| --- | --- | --- |', ...rows].join('\n');
}

function exitTable(): string {
  return [
    '| code | meaning |',
    '| --- | --- |',
    ...EXIT_MEANINGS.map(([code, meaning]) => `| ${code} | ${meaning} |`),
  ].join('\n');
}

const mappingPath = fileURLToPath(new URL('../../docs/mapping.md', import.meta.url));

function functionTable(): string {
  const row = ({ name, parameters, about, example }: Described): string =>
    `| \`${name}(${parameters})\` | ${about.replaceAll('|', '\\|')} | \`${example[0].replaceAll('|', '\\|')}\` → \`${example[1].replaceAll('|', '\\|')}\` |`;
  const rows = [...FUNCTIONS.values(), ...SPECIAL_FORMS].map(row);
  return ['| function | what it gives | example |', '| --- | --- | --- |', ...rows].join('\n');
}

interface Described {
  readonly name: string;
  readonly parameters: string;
  readonly about: string;
  readonly example: readonly [string, string];
}

function withPart(text: string, name: string, content: string): string {
  return text.replace(
    new RegExp(`<!-- ${name} -->[\\s\\S]*<!-- /${name} -->`),
    () => `<!-- ${name} -->\n\n${content}\n\n<!-- /${name} -->`,
  );
}

/** Tables as cells, so that their alignment does not matter. */
const cells = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[\s|:-]+\|$/.test(line))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim())
        .join('|'),
    );

describe('what the documents promise', () => {
  const readme = readFileSync(path, 'utf8');
  if (process.env['UPDATE_README'] === '1')
    writeFileSync(path, withPart(withPart(readme, 'flags', flagTable()), 'exit-codes', exitTable()));

  if (process.env['UPDATE_README'] === '1') {
    writeFileSync(mappingPath, withPart(readFileSync(mappingPath, 'utf8'), 'functions', functionTable()));
  }

  it('the mapping reference lists every function as the program has it', () => {
    const part = /<!-- functions -->([\s\S]*)<!-- \/functions -->/.exec(readFileSync(mappingPath, 'utf8'))?.[1] ?? '';
    expect(cells(part)).toEqual(cells(functionTable()));
  });

  it('the README lists every flag of run as the program has it', () => {
    const part = /<!-- flags -->([\s\S]*)<!-- \/flags -->/.exec(readFileSync(path, 'utf8'))?.[1] ?? '';
    expect(cells(part)).toEqual(cells(flagTable()));
  });

  it('the README lists every exit code as the program has it', () => {
    const part = /<!-- exit-codes -->([\s\S]*)<!-- \/exit-codes -->/.exec(readFileSync(path, 'utf8'))?.[1] ?? '';
    expect(cells(part)).toEqual(cells(exitTable()));
  });

  it('the troubleshooting page says of every exit code what to do next', () => {
    const page = readFileSync(fileURLToPath(new URL('../../docs/troubleshooting.md', import.meta.url)), 'utf8');
    const told = [...page.matchAll(/^\| ([\d, ]+?) +\|/gm)].flatMap(([, codes = '']) => codes.split(', ').map(Number));
    expect(told).toEqual(EXIT_MEANINGS.map(([code]) => code));
  });

  it('every command of the program is known as a first word and named in the README', () => {
    const commands = program().commands.map((command) => command.name());
    expect([...commandNames].sort()).toEqual(commands.sort());
    for (const command of commands) expect(readme).toContain(`\`${command}`);
  });

  it('every flag has a variable of its own', () => {
    const variables = Object.values(FLAGS).map((flag) => variableOf(flag));
    expect(variables.every((name) => /^ZEP_IMPORT_[A-Z_]+$/.test(name))).toBe(true);
    expect(new Set(variables).size).toBe(variables.length);
  });

  it('every dependency is named in the README with a reason', () => {
    const manifest = JSON.parse(
      readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8'),
    ) as { dependencies: Record<string, string> };
    for (const name of Object.keys(manifest.dependencies)) expect(readme).toContain(`[${name}]`);
  });
});
