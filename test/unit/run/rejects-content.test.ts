import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RejectsFiles } from '../../../src/run/rejects-files.js';
import type { SourceOptions } from '../../../src/sources/index.js';
import { DATA, hasData } from '../../support/cli.js';
import { readBack, rejectRows, tempFile, tempFolder, type Reading } from './rejects-support.js';

/** Rejects the rows of these numbers and all that cannot be read; gives the files, and what is read from them. */
async function rejectsOf(
  sources: Readonly<Record<string, string | Uint8Array>>,
  options: SourceOptions,
  numbers: readonly number[] | 'all',
): Promise<{ readonly texts: Readonly<Record<string, string>>; readonly read: Reading[][] }> {
  const files = RejectsFiles.open(tempFolder(), []);
  const paths = Object.entries(sources).map(([name, content]) => tempFile(name, content));
  await rejectRows(files, paths, options, (index) => numbers === 'all' || numbers.includes(index));
  files.flush();
  const texts = Object.fromEntries(files.paths.map((path) => [basename(path), readFileSync(path, 'utf8')]));
  return { texts, read: await readBack(files.paths, options) };
}

describe('the files of rejected rows', () => {
  it('hold the row of column names once, the rows as they stood, and the line ends of the source', async () => {
    const { texts } = await rejectsOf({ 't.csv': 'id,note\r\n1,"a\r\nb"\r\n2,x\r\n3,"y ""z"""' }, {}, [0, 2]);
    expect(texts).toEqual({ 'rejects.csv': 'id,note\r\n1,"a\r\nb"\r\n3,"y ""z"""\r\n' });
    expect((await rejectsOf({ 't.csv': 'a,b\r1,2\r3,4\r' }, {}, [1])).texts).toEqual({ 'rejects.csv': 'a,b\r3,4\r' });
  });

  it('stand apart for tables with other columns, and are one for the same columns', async () => {
    const { texts, read } = await rejectsOf(
      { 'a.csv': 'a,b\n1,2\n', 'b.csv': 'b,a\n3,4\n', 'c.csv': '\uFEFFa,b\n5,6\n', 'd.tsv': 'a\tb\n7\t8\n' },
      {},
      'all',
    );
    expect(texts).toEqual({
      'rejects.csv': 'a,b\n1,2\n5,6\n',
      'rejects-2.csv': 'b,a\n3,4\n',
      'rejects.tsv': 'a\tb\n7\t8\n',
    });
    expect(read[0]).toEqual([{ value: { a: '1', b: '2' } }, { value: { a: '5', b: '6' } }]);
  });

  it('have no row of column names when the source has none', async () => {
    const csv = { columns: ['a', 'b'], delimiter: ',' };
    expect((await rejectsOf({ 't.csv': '1,2\n3,4\n' }, { csv }, [1])).texts).toEqual({ 'rejects.csv': '3,4\n' });
  });

  it('hold JSON of any layout as lines', async () => {
    const document = '[\n  {\n    "a": 1,\r\n    "b": "x\u2028y"\n  },\n  {"c": 2}\n]';
    const { texts, read } = await rejectsOf({ 't.json': document }, {}, 'all');
    expect(texts).toEqual({ 'rejects.jsonl': '{\t    "a": 1,\t    "b": "x\u2028y"\t  }\n{"c": 2}\n' });
    expect(read).toEqual([[{ value: { a: 1, b: 'x\u2028y' } }, { value: { c: 2 } }]]);
  });

  it('do not make a text with a line break inside valid by putting it on one line', async () => {
    const { read } = await rejectsOf({ 't.json': '[{"a":"x\ny"},{"a":"z"}]' }, {}, 'all');
    expect(read).toEqual([['rejected', { value: { a: 'z' } }]]);
  });

  it('never begin like a JSON document', async () => {
    const { texts } = await rejectsOf({ 't.jsonl': '{"a":1}\n{\n[ \n{"b":}\n' }, {}, []);
    expect(texts).toEqual({ 'rejects.jsonl': '{"b":}\n' });
  });

  it('hold nothing of damage that is no row', async () => {
    expect((await rejectsOf({ 't.json': '[{"a":1},{"a":2},]7' }, {}, [])).texts).toEqual({});
  });

  it('keep a quote left open from taking in the next row', async () => {
    const table = 'id,note,x\n1,"open,x\n7,"a"b,\n2,5",y\n';
    const { texts, read } = await rejectsOf({ 't.csv': table }, {}, 'all');
    expect(texts).toEqual({ 'rejects.csv': 'id,note,x\n1,"open,x,"mend!"!\n7,"a"b,\n2,5",y\n' });
    expect(read).toEqual([['rejected', 'rejected', { value: { id: '2', note: '5"', x: 'y' } }]]);
  });

  it('reject a marked row again, unchanged, also when it was mended and only the mark was forgotten', async () => {
    for (const row of ['1,"open,x,"mend!"!', '1,"open",x,"mend!"!']) {
      const { texts } = await rejectsOf({ 't.csv': `id,note,x\n${row}\n` }, {}, []);
      expect(texts).toEqual({ 'rejects.csv': `id,note,x\n${row}\n` });
    }
  });

  it.each([
    [{ delimiter: '||' }, 'id||note\n1||"open||x\n7||5" x||\n2||"b"\n'],
    [{ delimiter: '||' }, 'id||note\n5" x||"open||x\n7||y||z\n2||b\n'],
    [{ quote: "'", delimiter: '!' }, "id!note\n1!'open!x\n7!'a'b!\n2!b\n"],
    [{ escape: '\\' }, 'id,note\n1,"open\\\n7,"a"b,\n2,b\n'],
  ])('mark a row that is not closed in the dialect %j', async (csv, table) => {
    const { read } = await rejectsOf({ 't.csv': table }, { csv }, 'all');
    expect(read).toEqual([['rejected', 'rejected', { value: { id: '2', note: 'b' } }]]);
  });

  it.each(['x'.repeat(5000), `"${'x'.repeat(5000)}"`, `"${'""'.repeat(3000)}"`])(
    'show the beginning of a row too long to be kept and never let it pass for a row (%#)',
    async (cell) => {
      const options = { maxRecordBytes: 1500, blockBytes: 64 };
      const { texts, read } = await rejectsOf({ 't.csv': `a,b\n1,${cell}\n2,"y"\n` }, options, 'all');
      expect(texts['rejects.csv']).toMatch(/\n1,.{1022}… \[cut\],"mend!"!\n2,"y"\n$/);
      expect(read).toEqual([['rejected', { value: { a: '2', b: 'y' } }]]);
    },
  );

  it('cut a row between characters', async () => {
    const line = `{"a":"xy${'€'.repeat(1000)}"}\n`;
    const { texts } = await rejectsOf({ 't.jsonl': line }, { maxRecordBytes: 1500 }, []);
    expect(texts['rejects.jsonl']).toBe(`${line.slice(0, 8 + 338)}… [cut]\n`);
  });

  it('name the delimiter where it was guessed and a few rows might tell another', async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `${i};${i === 3 ? '1,5' : 'one'}\n`).join('');
    const bare = await rejectsOf({ 't.csv': rows }, { csv: { columns: ['x', 'y'] } }, [3]);
    expect(bare.texts).toEqual({ 'rejects.csv': 'sep=;\n3;1,5\n' });
    expect(bare.read).toEqual([[{ value: { x: '3', y: '1,5' } }]]);
    const open = await rejectsOf({ 't.csv': `id;last, first\n${rows}` }, {}, [3]);
    expect(open.texts).toEqual({ 'rejects.csv': 'sep=;\nid;last, first\n3;1,5\n' });
    const settled = await rejectsOf({ 't.csv': `id;amount\n${rows}` }, {}, [3]);
    expect(settled.texts).toEqual({ 'rejects.csv': 'id;amount\n3;1,5\n' });
    const told = await rejectsOf({ 't.csv': `"sep=;"\r\nid;amount\r\n${rows}` }, {}, [3]);
    expect(told.texts).toEqual({ 'rejects.csv': '"sep=;"\r\nid;amount\r\n3;1,5\r\n' });
  });

  it('are UTF-8 with a byte order mark when the source is in another encoding, so that the same options read them', async () => {
    const table = Buffer.from('n\xe4me\n\x80 5\nx\n', 'latin1');
    const { texts, read } = await rejectsOf({ 't.csv': table }, { encoding: 'windows-1252' }, [0]);
    expect(texts).toEqual({ 'rejects.csv': '\uFEFFnäme\n€ 5\n' });
    expect(read).toEqual([[{ value: { näme: '€ 5' } }]]);
    const wide = await rejectsOf({ 't.jsonl': Buffer.from('{"a":"é"}\n', 'utf16le') }, { encoding: 'utf-16le' }, [0]);
    expect(wide.texts).toEqual({ 'rejects.jsonl': '\uFEFF{"a":"é"}\n' });
    expect(wide.read).toEqual([[{ value: { a: 'é' } }]]);
  });

  it('keep bytes that could not be decoded, so that the rows can be read once the encoding is named', async () => {
    const table = Buffer.from('a,b\n1,caf\xe9\n2,ok\n3,\xfcber\n', 'latin1');
    const files = RejectsFiles.open(tempFolder(), []);
    await rejectRows(files, [tempFile('t.csv', table)], {}, () => false);
    files.flush();
    expect(readFileSync(files.paths[0] ?? '', 'latin1')).toBe('a,b\n1,café\n3,über\n');
    expect(await readBack(files.paths, {})).toEqual([['rejected', 'rejected']]);
    expect(await readBack(files.paths, { encoding: 'windows-1252' })).toEqual([
      [{ value: { a: '1', b: 'café' } }, { value: { a: '3', b: 'über' } }],
    ]);
  });

  it('do not look like UTF-16 or compressed data, whatever the rows hold', async () => {
    const lines = Buffer.concat([
      Buffer.from('{"sound":1}\n'.repeat(20)),
      Buffer.from([0x1f, 0x8b, 0x08, 0x0a]),
      Buffer.from('{"long":"enough"}', 'utf16le'),
      Buffer.from('\n\uFEFF{"a":3}\n{"a":1}\n'),
    ]);
    const files = RejectsFiles.open(tempFolder(), []);
    await rejectRows(files, [tempFile('t.jsonl', lines)], {}, () => false);
    files.flush();
    expect(await readBack(files.paths, {})).toEqual([['rejected', 'rejected', 'rejected']]);
  });

  it.runIf(hasData)('give back every row of csv-spectrum', async () => {
    const folder = join(DATA, 'csv-spectrum');
    const names = readdirSync(join(folder, 'csvs'));
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) {
      const content = readFileSync(join(folder, 'csvs', name));
      const { texts, read } = await rejectsOf({ [name]: content }, { csv: { empty: 'keep' } }, 'all');
      expect(read).toEqual(await readBack([join(folder, 'csvs', name)], { csv: { empty: 'keep' } }));
      expect(texts['rejects.csv']?.trimEnd()).toBe(content.toString('utf8').trimEnd());
    }
  });
});
