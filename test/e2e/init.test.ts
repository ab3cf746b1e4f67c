/** `init` with the real program: the mapping it writes runs as it is. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { DATA, hasData, workplace, type Ended, type Workplace } from '../support/cli.js';

let at: Workplace;
afterEach(() => at.close());

const init = (...words: string[]): Promise<Ended> => at.start(['init', ...words]);
const read = (name: string): string => readFileSync(at.path(name), 'utf8');
interface Told {
  readonly [name: string]: unknown;
  readonly exit_code: number;
}
async function guessed(...words: string[]): Promise<Told> {
  const ended = await init(...words, '-o', 'json', '--yes', '--out', 'out.yaml');
  expect(ended.code, ended.stderr).toBe(0);
  return JSON.parse(ended.stdout) as Told;
}
async function checked(...sources: string[]): Promise<{ code: number | null; read: number; rejected: number }> {
  const ended = await at.start(['check', ...sources, '-m', 'out.yaml', '-o', 'json']);
  const { records } = JSON.parse(ended.stdout) as { records: { read: number; rejected: number } };
  return { code: ended.code, read: records.read, rejected: records.rejected };
}

const ROWS = Array.from(
  { length: 30 },
  (_, n) => `${n};Olá, não chegou a encomenda número ${n}.;2024-05-${String((n % 28) + 1).padStart(2, '0')}`,
);

describe('init', () => {
  it('writes a mapping that runs, shows three items, and says what to type next', async () => {
    at = workplace();
    at.write('notes.csv', `id;text;created\n${ROWS.join('\n')}\n`);
    const ended = await init('notes.csv', '--graph', 'g');
    expect(ended.code).toBe(0);
    expect(ended.stdout.match(/^# notes\.csv:/gm)).toHaveLength(3);
    expect(ended.stderr).toContain('Next: zep-import check notes.csv -m notes.zep.yaml');
    expect(read('notes.zep.yaml')).toContain("data: '{{ text }}'");
    const check = await at.start(['check', 'notes.csv', '-m', 'notes.zep.yaml']);
    expect(check.code).toBe(0);
    expect(check.stdout + check.stderr).toContain('1 passed, 0 failed');
  });

  it.each([
    ['nested alike', ',"shop":{"status":"open"},"product":{"status":"new","kind":"x"},"Status":"a"'],
    ['alike but for their writing', ',"Order Status":"a","order_status":"b","order_status_2":"c"'],
    ['hostile', ',"__proto__":"p","\\ud800":"half","constructor":"c","{{ x }}":"d","a\\"b":"e"'],
  ])('writes a mapping that runs when names of columns are %s', async (_, columns) => {
    at = workplace();
    const row = (n: number): string => `{"text":"The order number ${n} has not come yet."${columns}}\n`;
    at.write('names.jsonl', row(1) + row(2) + row(3));
    expect(await guessed('names.jsonl', '--graph', 'g')).toMatchObject({ produced: 3, rejected: 0 });
    expect(await checked('names.jsonl')).toEqual({ code: 0, read: 3, rejected: 0 });
  });

  it('asks nothing without a terminal, and overwrites a file only with --yes', async () => {
    at = workplace();
    at.write('notes.csv', `id;text;created\n${ROWS.join('\n')}\n`);
    at.write('notes.zep.yaml', 'mine');
    const ended = await init('notes.csv');
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('--yes');
    expect(read('notes.zep.yaml')).toBe('mine');
    expect((await init('notes.csv', '--yes')).code).toBe(0);
    expect(read('notes.zep.yaml')).not.toBe('mine');
  });

  it('writes to standard output for --out -', async () => {
    at = workplace();
    at.write('notes.csv', `id;text;created\n${ROWS.join('\n')}\n`);
    const ended = await init('notes.csv', '--out', '-');
    expect(ended.stdout).toMatch(/^# A mapping guessed from 30 records[^]*version: 1\n/);
    expect(readdirSync(at.folder)).toEqual(['notes.csv']);
  });

  it('finds the encoding that a table of an old program is in, and says it in the mapping', async () => {
    at = workplace();
    at.write('old.csv', Buffer.from(`id;text;created\n${ROWS.join('\n')}\n`, 'latin1'));
    expect(await guessed('old.csv')).toMatchObject({ text: 'text', id: 'id' });
    expect(read('out.yaml')).toContain('encoding: windows-1252');
    expect(await checked('old.csv')).toEqual({ code: 0, read: 30, rejected: 0 });
  });

  it('finds the list inside of a document, so that it is read as a stream', async () => {
    at = workplace();
    at.write('data.json', JSON.stringify({ meta: { n: 3 }, data: ROWS.map((text, id) => ({ id, text })) }));
    expect(await guessed('data.json')).toMatchObject({ text: 'text', id: 'id', each: [] });
    expect(read('out.yaml')).toContain('path: data');
    expect(await checked('data.json')).toEqual({ code: 0, read: 30, rejected: 0 });
  });

  it('finds it one object further down, too', async () => {
    at = workplace();
    at.write('data.json', JSON.stringify({ at: 'today', data: { items: ROWS.map((text, id) => ({ id, text })) } }));
    expect(await guessed('data.json')).toMatchObject({ text: 'text', id: 'id' });
    expect(await checked('data.json')).toEqual({ code: 0, read: 30, rejected: 0 });
  });

  it('names the preset that reads such data better', async () => {
    at = workplace();
    const line = JSON.stringify({
      messages: [
        { role: 'user', content: 'Where is it?' },
        { role: 'assistant', content: 'On its way to you.' },
      ],
    });
    at.write('chats.jsonl', `${line}\n${line}\n`);
    expect((await init('chats.jsonl')).stderr).toContain('zep-import init --preset openai-chat');
  });

  it('says that day and month are ambiguous', async () => {
    at = workplace();
    at.write('notes.csv', 'id,text,date\n1,What somebody wrote,01/02/2024\n2,What somebody else wrote,02/03/2024\n');
    const ended = await init('notes.csv');
    expect(ended.stderr).toContain('AMBIGUOUS');
    expect(read('notes.zep.yaml')).toContain('AMBIGUOUS');
    expect(ended.code).toBe(0);
  });

  it('reads standard input', async () => {
    at = workplace();
    const ended = await at.start(['init', '-', '--out', 'out.yaml'], {
      stdin: '{"id":1,"text":"some words here"}\n{"id":2,"text":"some more words"}\n',
    });
    expect(ended.code).toBe(0);
    expect(read('out.yaml')).toContain("data: '{{ text }}'");
  });

  it('says that rows which are items need no mapping, and writes none', async () => {
    at = workplace();
    at.write('wire.jsonl', '{"type":"graph_episode","graph_id":"g","data":"x"}\n');
    const ended = await init('wire.jsonl');
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain('need no mapping');
    expect(existsSync(at.path('wire.zep.yaml'))).toBe(false);
  });

  it('writes the mapping of documents, with their graph', async () => {
    at = workplace();
    mkdirSync(at.path('docs'));
    at.write('docs/a.md', '# A\n\nText.\n');
    expect((await init('docs', '--graph', 'handbook', '--out', 'out.yaml')).code).toBe(0);
    expect(await checked('docs')).toEqual({ code: 0, read: 1, rejected: 0 });
  });

  it.each(['slack', 'chatgpt', 'openai-chat', 'locomo'])('writes the mapping of the preset %s', async (preset) => {
    at = workplace();
    const ended = await init('--preset', preset);
    expect(ended.code).toBe(0);
    expect(read(`${preset}.zep.yaml`)).toContain(`preset: ${preset}`);
  });

  it.each<[string, string | Buffer, string]>([
    ['empty.jsonl', '', 'no record was found'],
    ['header.csv', 'a,b,c\n', 'no record was found'],
    ['numbers.jsonl', '{"a":1}\n{"a":2}\n', 'no column holds text'],
    ['broken.jsonl', '{"a":\n{"b"\n', 'no record was found'],
    ['picture.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 1]), 'cannot tell the format'],
  ])('ends with 2 where nothing can be guessed, with what was seen: %s', async (name, content, message) => {
    at = workplace();
    at.write(name, content);
    const ended = await init(name);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain(message);
  });

  it('comes to an end with two hundred columns, deep rows and a line of megabytes', async () => {
    at = workplace();
    const wide = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`c${n}`, `value ${n}`]));
    const deep = JSON.parse('{"a":'.repeat(500) + '1' + '}'.repeat(500)) as object;
    const rows = [
      { ...wide, text: 'words in a row of many columns' },
      { ...wide, deep, text: 'x '.repeat(2_000_000) },
    ];
    at.write('rows.jsonl', rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    expect(await guessed('rows.jsonl')).toMatchObject({ text: 'text' });
  });
});

describe.skipIf(!hasData)('on real inputs (need the data folder) the guess runs as it is', () => {
  it.each<[string, Record<string, unknown>, number]>([
    ['banking77/train.csv', { text: 'text', id: null, kind: 'graph_episode' }, 10_003],
    ['locomo', { text: 'text', id: 'dia_id', speaker: 'speaker', kind: 'thread_message' }, 10],
    [
      'schema-guided-dialogue',
      { text: 'utterance', thread: 'dialogue_id', role: 'speaker', kind: 'thread_message' },
      512,
    ],
    ['zep-ingest-examples/products.json', { text: 'about', id: 'sku' }, 6],
  ])('%s', async (name, expected, rows) => {
    at = workplace();
    expect(await guessed(join(DATA, name))).toMatchObject(expected);
    expect(await checked(join(DATA, name))).toEqual({ code: 0, read: rows, rejected: 0 });
  });

  it('every table of csv-spectrum', async () => {
    at = workplace();
    for (const name of readdirSync(join(DATA, 'csv-spectrum/csvs'))) {
      await guessed(join(DATA, 'csv-spectrum/csvs', name));
      expect(await checked(join(DATA, 'csv-spectrum/csvs', name))).toMatchObject({ code: 0, rejected: 0 });
    }
  });
});
