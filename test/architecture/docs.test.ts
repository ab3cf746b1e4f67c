/** The documents as a whole: every flag is listed, every command line is one that the program takes, every link leads somewhere. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commandLines, program, refused, words } from '../support/command-lines.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(root, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];
const FLAGS_PAGE = join(root, 'docs/flags.md');

/** `npm run readme` writes the page. */
function flagsPage(): string {
  const parts = [
    `# Every command and flag

Made from the program's own help, and checked against it. Every flag is also a variable: \`--chunk-size\` is \`ZEP_IMPORT_CHUNK_SIZE\`; a flag wins over a variable, a
variable over the mapping file, that over a [config file](configuration.md).`,
  ];
  for (const command of allCommands(program())) {
    const name = pathOf(command);
    const usage = command.registeredArguments.map((argument) => {
      const text = `${argument.name()}${argument.variadic ? '...' : ''}`;
      return argument.required ? ` <${text}>` : ` [${text}]`;
    });
    const rows = command.options
      .filter((option) => !option.hidden)
      .map((option) => {
        const choices = option.argChoices === undefined ? '' : ` (${option.argChoices.join(', ')})`;
        const standard =
          option.defaultValue === undefined
            ? ''
            : `\`${option.defaultValueDescription ?? String(option.defaultValue)}\``;
        return `| \`${option.flags.replaceAll('|', '\\|')}\` | ${escaped(`${option.description}${choices}`)} | ${standard} |`;
      });
    const table = rows.length === 0 ? [] : ['| flag | what it does | default |\n| --- | --- | --- |', ...rows];
    parts.push(
      [
        `## ${name}`,
        `\`zep-import ${name}${usage.join('')}\`: ${escaped(command.description())}`,
        ...table.slice(0, 1).map(() => table.join('\n')),
      ].join('\n\n'),
    );
  }
  return `${parts.join('\n\n')}\n`;
}

const escaped = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function allCommands(command: Command): readonly Command[] {
  const own = command.commands.filter((each) => !each.name().startsWith('__') && each.name() !== 'help');
  return own.flatMap((each) =>
    each.commands.length > 0 && each.options.length === 0 ? allCommands(each) : [each, ...allCommands(each)],
  );
}

function pathOf(command: Command): string {
  return command.parent?.parent == null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** Without what the formatter changes: spaces in tables, and which characters are escaped. */
const plain = (page: string): string =>
  page.replace(/^\|.*\|$/gm, (line) => line.replace(/\s+/g, ' ').replace(/-+/g, '-')).replace(/\\([_*])/g, '$1');

describe('the documents', () => {
  if (process.env['UPDATE_README'] === '1') writeFileSync(FLAGS_PAGE, flagsPage());

  it('docs/flags.md lists every flag of every command as the program has it', () => {
    expect(plain(readFileSync(FLAGS_PAGE, 'utf8'))).toBe(plain(flagsPage()));
  });

  it.each(PAGES)('%s: every command line is one that the program takes', (name) => {
    for (const line of commandLines(readFileSync(join(root, name), 'utf8')).map((each) =>
      each.replace(/ ?--help$/, ''),
    )) {
      if (/\.\.\.|…|[A-Z]{3,}|<|\[/.test(line)) continue; // a form, not a line to type
      expect(refused(words(line)), line).toEqual([]);
    }
  });

  it.each(PAGES)('%s: every link into the project leads to a file, and to a heading of it', (name) => {
    const page = readFileSync(join(root, name), 'utf8');
    for (const [, target = ''] of page.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)) {
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? join(root, name) : join(root, dirname(name), file);
      expect(existsSync(path), target).toBe(true);
      if (anchor === undefined) continue;
      const headings = [...readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
        slugOf(heading),
      );
      expect(headings, target).toContain(anchor);
    }
  });

  it('every page of docs is reached from the README or the quick start', () => {
    const linked = ['README.md', 'docs/quick-start.md'].flatMap((name) =>
      [...readFileSync(join(root, name), 'utf8').matchAll(/\]\((?:docs\/)?([\w-]+\.md)/g)].map(([, page]) => page),
    );
    for (const name of readdirSync(join(root, 'docs'))) if (name.endsWith('.md')) expect(linked).toContain(name);
  });
});

/** As GitHub makes it. */
function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}
