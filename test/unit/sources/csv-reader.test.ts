import { describe, expect, it } from 'vitest';
import type { ReadEntry } from '../../../src/model.js';
import { discoverSources } from '../../../src/sources/index.js';
import { drain, readText, tempFile } from './support.js';

const csv = (content: string, options: object = {}): ReturnType<typeof readText> =>
  readText('t.csv', content, { csv: options });
const reasons = (outcome: Awaited<ReturnType<typeof readText>>): string[] =>
  outcome.rejections.map((rejection) => `${rejection.position.line} ${rejection.code}: ${rejection.message}`);

describe('CSV', () => {
  it('names the cells by the header and leaves empty cells out', async () => {
    const outcome = await csv('id,name,note\n1,Ann,\n2,,"x"\n');
    expect(outcome.values).toEqual([
      { id: '1', name: 'Ann' },
      { id: '2', note: 'x' },
    ]);
    expect(outcome.records.map((r) => r.position.line)).toEqual([2, 3]);
    expect(outcome.raws).toEqual(['1,Ann,', '2,,"x"']);
  });

  it('keeps empty cells when told to', async () => {
    expect((await csv('a,b\n1,\n', { empty: 'keep' })).values).toEqual([{ a: '1', b: '' }]);
  });

  it.each([
    [',', 'a,b\n1;5,2|7\n3,4\n'],
    [';', 'a;b\n1,5;2,7\n3;4\n'],
    ['\t', 'a\tb\n1,5\t2;7\n3\t4\n'],
    ['|', 'a|b\n1,5|2;7\n3|4\n'],
  ])('finds out that %j separates the cells', async (_, content) => {
    const outcome = await csv(content);
    expect(outcome.records).toHaveLength(2);
    expect(outcome.values[1]).toEqual({ a: '3', b: '4' });
  });

  it('believes the line with which Excel names the delimiter', async () => {
    const outcome = await csv('sep=;\r\na;b\r\n1;2,5\r\n');
    expect(outcome.values).toEqual([{ a: '1', b: '2,5' }]);
    expect(outcome.records[0]?.position.line).toBe(3);
  });

  it('takes a table of one column for what it is', async () => {
    expect((await csv('name\nAnn\nBob\n')).values).toEqual([{ name: 'Ann' }, { name: 'Bob' }]);
  });

  it('reads LF, CR LF and lone CR as line ends, mixed and without one at the end', async () => {
    const outcome = await csv('a,b\r\n1,2\n3,4\r5,6\r\n\r\n7,8');
    expect(outcome.values).toEqual([
      { a: '1', b: '2' },
      { a: '3', b: '4' },
      { a: '5', b: '6' },
      { a: '7', b: '8' },
    ]);
    expect(outcome.records.map((r) => r.position.line)).toEqual([2, 3, 4, 6]);
  });

  it('reads line ends inside quotes as text and still counts them', async () => {
    const outcome = await csv('a,b\n"1\r\n2","x ""y"""\n3,4\n');
    expect(outcome.values).toEqual([
      { a: '1\r\n2', b: 'x "y"' },
      { a: '3', b: '4' },
    ]);
    expect(outcome.records.map((r) => r.position.line)).toEqual([2, 4]);
  });

  it('ignores a byte order mark before the first name, also before a quoted one', async () => {
    const outcome = await csv('\uFEFF"a",b\n1,2\n');
    expect(outcome.values).toEqual([{ a: '1', b: '2' }]);
    expect(outcome.records[0]?.position.byteStart).toBe(3 + '"a",b\n'.length);
  });

  it('rejects a row with too many or too few cells, saying how many', async () => {
    const outcome = await csv('a,b\n1,2,3\n4\n5,6\n');
    expect(outcome.values).toEqual([{ a: '5', b: '6' }]);
    expect(reasons(outcome)).toEqual([
      '2 ragged-row: expected 2 cells, found 3',
      '3 ragged-row: expected 2 cells, found 1; csv.ragged: allow accepts rows that are too short',
    ]);
  });

  it('accepts short rows when told to, but no long ones', async () => {
    const outcome = await csv('a,b\n1,2,3\n4\n', { ragged: 'allow', delimiter: ',' });
    expect(outcome.values).toEqual([{ a: '4' }]);
    expect(outcome.rejections).toHaveLength(1);
  });

  it.each([
    [
      'text after a closing quote',
      'a,b\n1,"x"y\n2,ok\n',
      '2 bad-quote: text follows the closing quote of cell 2; a quote inside a quoted cell must be doubled',
    ],
    ['a quote that is never closed', 'a,b\n1,"xy\n2,ok\n', '2 bad-quote: the quote that opens cell 2 is never closed'],
  ])('loses one row to %s, not the rest of the file', async (_, content, reason) => {
    for (const options of [{}, { escape: '\\' }, { trim: true }, { delimiter: ',', comment: '¦¦' }]) {
      const outcome = await csv(content, options);
      expect(outcome.values).toEqual([{ a: '2', b: 'ok' }]);
      expect(reasons(outcome)).toEqual([reason]);
    }
  });

  it('takes a quote inside an unquoted cell for text', async () => {
    for (const options of [{}, { escape: '\\' }, { trim: true }, { delimiter: ',', comment: '¦¦' }]) {
      expect((await csv('a,b\n5" pipe,37.8"N\n1,2\n', options)).values).toEqual([
        { a: '5" pipe', b: '37.8"N' },
        { a: '1', b: '2' },
      ]);
    }
  });

  it('understands escape characters, comment lines, other quotes, long delimiters and blanks to trim', async () => {
    const outcome = await csv("# made by hand\na || b\n# more\n'x \\'y\\'' || # no comment\n", {
      quote: "'",
      escape: '\\',
      comment: '#',
      delimiter: '||',
      trim: true,
    });
    expect(outcome.values).toEqual([{ a: "x 'y'", b: '# no comment' }]);
    expect(outcome.records[0]?.position.line).toBe(4);
  });

  it('gives every row of a large file in a dialect that is not plain', async () => {
    const rows = Array.from({ length: 9000 }, (_, i) => `${i}||"say \\"${i}\\" é"||${'x'.repeat(i % 90)}`);
    const outcome = await csv(`a||b||c\n${rows.join('\n')}\n`, { delimiter: '||', escape: '\\', empty: 'keep' });
    expect(outcome.rejections).toEqual([]);
    expect(outcome.values).toEqual(rows.map((_, i) => ({ a: String(i), b: `say "${i}" é`, c: 'x'.repeat(i % 90) })));
    expect(outcome.raws).toEqual(rows);
  });

  it('does without quoting when the quote is empty', async () => {
    expect((await csv('a,b\n"x,y"\n', { quote: '' })).values).toEqual([{ a: '"x', b: 'y"' }]);
  });

  it('takes names from the options: instead of a header, or over it', async () => {
    expect((await csv('1,2\n', { columns: ['x', 'y'] })).values).toEqual([{ x: '1', y: '2' }]);
    expect((await csv('a,b\n1,2\n', { columns: ['x', 'y'], header: true })).values).toEqual([{ x: '1', y: '2' }]);
    expect((await csv('1,2\n', { header: false })).values).toEqual([{ '1': '1', '2': '2' }]);
  });

  it('names a column without a name by its number', async () => {
    expect((await csv(',a\n0,x\n')).values).toEqual([{ '1': '0', a: 'x' }]);
  });

  it('refuses a header in which a name occurs twice', async () => {
    const outcome = await csv('id,name,id\n1,2,3\n');
    expect(outcome.error).toMatchObject({ code: 'duplicate-columns', disposition: 'usage' });
    expect(String(outcome.error)).toContain('"id"');
  });

  it('keeps a column called __proto__ as a plain key of its own', async () => {
    const [row] = (await csv('__proto__,constructor\nx,y\n')).values as Record<string, string>[];
    expect(Object.entries(row ?? {})).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  });

  it('rejects the rows that are not valid UTF-8 and names the remedy', async () => {
    const outcome = await readText('t.csv', Buffer.from('a,b\n1,caf\u00e9\n2,ok\n', 'latin1'));
    expect(outcome.values).toEqual([{ a: '2', b: 'ok' }]);
    expect(outcome.rejections[0]?.code).toBe('invalid-encoding');
    expect(outcome.rejections[0]?.message).toContain('encoding: windows-1252');
  });

  it.each(['', '\n\n', 'a,b\n', '\uFEFF'])('gives no record and no complaint for %j', async (content) => {
    const outcome = await csv(content);
    expect([outcome.entries, outcome.error]).toEqual([[], undefined]);
  });

  it('rejects a row beyond the limit and reads on, wherever its line ends', async () => {
    const outcome = await readText('t.csv', `a,b\n1,${'x'.repeat(5000)}\n2,"${'y'.repeat(5000)}"\n3,ok\n`, {
      maxRecordBytes: 100,
      blockBytes: 64,
    });
    expect(outcome.values).toEqual([{ a: '3', b: 'ok' }]);
    expect(outcome.rejections.map((r) => [r.code, r.position.line])).toEqual([
      ['record-too-long', 2],
      ['record-too-long', 3],
    ]);
    expect(outcome.raws[0]).toMatch(/^1,x+… \[cut\],"mend!"!$/);
  });

  it('takes the first row for the names also when the whole file is as short as can be', async () => {
    for (const options of [{}, { delimiter: '||' }, { delimiter: ',', comment: '¦¦' }]) {
      expect((await csv('a\n1\n', options)).values).toEqual([{ a: '1' }]);
    }
  });

  it('tells with every block what must stand before its rows', async () => {
    const rows = Array.from({ length: 1200 }, (_, i) => `${i},x\r\n`).join('');
    const path = await tempFile('t.csv', `\uFEFF\r\n"a\r\nb",c\r\n${rows}`);
    const [source] = await discoverSources([path], { blockBytes: 1000 });
    if (source === undefined) throw new Error('no source');
    const heads = new Set<string | undefined>();
    const see = async (from?: ReadEntry['position']): Promise<void> => {
      for await (const block of source.read(new AbortController().signal, from)) heads.add(block.head);
    };
    await see();
    const outcome = await drain(source);
    await see(outcome.entries[700]?.position);
    expect([...heads]).toEqual(['\uFEFF"a\r\nb",c\r\n']);
    expect(outcome.raws).toEqual(rows.trimEnd().split('\r\n'));
  });

  it.each([
    ['a,b\n1,2\n', {}, 'a,b\n'],
    ['a,b\n1,2\n', { columns: ['x', 'y'], header: true }, 'a,b\n'],
    ['# note\n\na,b\n1,2\n', { comment: '#' }, 'a,b\n'],
    ['sep=,\r\na,b\r\n1,2\r\n', {}, 'sep=,\r\na,b\r\n'],
    ['a;b,c\n1;2\n3;4\n', {}, 'sep=;\na;b,c\n'],
    ['a;b,c\n1;2\n3;4\n', { delimiter: ';' }, 'a;b,c\n'],
    ['1;2\n', { columns: ['x', 'y'] }, 'sep=;\n'],
    ['1;2\n', { columns: ['x', 'y'], delimiter: ';' }, undefined],
    ['1;2\n', { header: false, delimiter: ';' }, undefined],
  ])('%j read with %j needs %j before its rows', async (content, options, head) => {
    const [source] = await discoverSources([await tempFile('t.csv', content)], { csv: options });
    for await (const block of source?.read(new AbortController().signal) ?? []) expect(block.head).toBe(head);
  });

  it.each([
    [{ delimiter: '' }, 'bad-csv-options'],
    [{ quote: 'ab' }, 'bad-csv-options'],
    [{ delimiter: '"' }, 'bad-csv-options'],
    [{ columns: ['a', 'a'] }, 'duplicate-columns'],
  ])('refuses the impossible options %j before reading', async (options, code) => {
    await expect(csv('a,b\n', options)).rejects.toMatchObject({ code, disposition: 'usage' });
  });
});
