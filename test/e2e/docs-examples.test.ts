/** What the documents show works as they say: the quick start from its first line to its last, and every mapping in the pages. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseMapping } from '../../src/mapping/index.js';
import { BIN, ROOT, workplace, type Workplace } from '../support/cli.js';
import { blocksOf } from '../support/command-lines.js';

let at: Workplace;
beforeAll(() => {
  at = workplace();
});
afterAll(() => at.close());

const pageOf = (name: string): string => readFileSync(join(ROOT, name), 'utf8');

/** A line of the quick start, in a shell, with the program under its own name. */
function shell(line: string): Promise<{ readonly code: number; readonly text: string }> {
  return new Promise((resolve) => {
    const script = `zep-import() { "${process.execPath}" "${BIN}" "$@"; }\n${line}`;
    const env = { PATH: process.env['PATH'], HOME: at.path('home'), XDG_CONFIG_HOME: at.path('home') };
    execFile('bash', ['-c', script], { cwd: at.path('.'), env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), text: stdout + stderr });
    });
  });
}

describe('docs/quick-start.md', () => {
  it('every command ends as the page says, from the first look to the audit', { timeout: 120_000 }, async () => {
    const blocks = blocksOf(pageOf('docs/quick-start.md'));
    for (const { language, note, text } of blocks) if (language !== 'sh' && note !== '') at.write(note, text);
    const lines = blocks
      .filter(({ language, note }) => language === 'sh' && note === '')
      .flatMap(({ text }) => text.trim().split('\n'));
    const told: string[] = [];
    for (const line of lines) {
      const wanted = Number(/# ends with (\d+)$/.exec(line)?.[1] ?? 0);
      const { code, text } = await shell(line);
      expect(code, `${line}\n${text}`).toBe(wanted);
      told.push(text);
    }
    const imports = told.filter((_, i) => /zep-import run/.test(lines[i] ?? ''));
    expect(imports[0]).toMatch(/3 produced = 3 accepted[^]*rejects\.csv/);
    expect(imports[1]).toContain('1 accepted + 3 already known');
    expect(imports[2]).toContain('0 accepted + 4 already known');
    expect(told.at(-2)).not.toContain('WRONG');
  });
});

const EPISODE = { type: 'graph_episode', graph_id: 'g', data: '{{ text }}' };
const MESSAGE = { type: 'thread_message', thread_id: 't', user_id: 'u', role: 'user', content: '{{ text }}' };

/** What a block of YAML shows, as whole mappings: a mapping itself, some keys of one, or some fields of an item. */
function mappingsOf(shown: Record<string, unknown>): readonly object[] {
  if ('version' in shown) return [shown];
  const isTop = Object.keys(shown).some((key) =>
    ['item', 'items', 'tests', 'redact', 'where', 'each', 'key'].includes(key),
  );
  if (isTop) return [{ version: 1, item: MESSAGE, ...shown }];
  return Object.entries(shown).map(([field, value]) => {
    const item = field === 'data' || field === 'split' ? EPISODE : MESSAGE;
    return field === 'priority'
      ? { version: 1, item: { ...item, metadata: { [field]: value } } }
      : { version: 1, item: { ...item, [field]: value } };
  });
}

describe.each(['README.md', 'docs/mapping.md', 'docs/documents.md', 'docs/check.md', 'docs/redaction.md'])(
  'the mappings in %s',
  (name) => {
    const shown = blocksOf(pageOf(name)).filter(({ language }) => language === 'yaml');

    it('are taken by the program', () => {
      expect(shown.length).toBeGreaterThan(0);
      for (const { text } of shown) {
        for (const mapping of mappingsOf(parse(text) as Record<string, unknown>)) {
          expect(() => parseMapping(JSON.stringify(mapping), name), text).not.toThrow();
        }
      }
    });
  },
);
