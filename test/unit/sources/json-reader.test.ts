import fc from 'fast-check';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { parser } from 'stream-json';
import { pick } from 'stream-json/filters/pick.js';
import { streamArray } from 'stream-json/streamers/stream-array.js';
import { readText } from './support.js';

const json = (content: string, options: object = {}): ReturnType<typeof readText> =>
  readText('t.json', content, { format: 'json', ...options });

describe('JSON documents', () => {
  it('gives the elements of an array with line and bytes', async () => {
    const content = '[\n  {"a": 1},\n  {"b":\n2} , 3\n]\n';
    const outcome = await json(content);
    expect(outcome.values).toEqual([{ a: 1 }, { b: 2 }, 3]);
    expect(outcome.records.map((r) => r.position.line)).toEqual([2, 3, 4]);
    expect(outcome.raws).toEqual(['{"a": 1}', '{"b":\n2}', '3']);
    for (const [index, { position }] of outcome.records.entries()) {
      expect(content.slice(position.byteStart, position.byteEnd)).toBe(outcome.raws[index]);
    }
  });

  it('takes an object for one record', async () => {
    expect((await json('{"a":[1,2]}')).values).toEqual([{ a: [1, 2] }]);
  });

  it.each([
    ['{"a":1}{"a":2}\n{"a":3}', [{ a: 1 }, { a: 2 }, { a: 3 }]],
    ['{"a":1}\n\n{\n"a":2}\n', [{ a: 1 }, { a: 2 }]],
    ['1\n"x"\ntrue\n[2]\n', [1, 'x', true, [2]]],
  ])('reads values one after another: %j', async (content, values) => {
    expect((await json(content)).values).toEqual(values);
  });

  it('takes a .json file of JSON lines for what it is, so that a bad line costs that line', async () => {
    const outcome = await readText('t.json', '{"a":1}\n{"a":\n{"a":3}\n');
    expect(outcome.values).toEqual([{ a: 1 }, { a: 3 }]);
    expect(outcome.rejections.map((r) => r.position.line)).toEqual([2]);
  });

  it.each(['data.items', '/data/items', '$.data.items[*]'])('finds the array at %s', async (path) => {
    const content = '{"meta":{"items":[9]},"data":{"x":"],}","items":[{"a":1},\n{"a":2}],"after":[{}]},"z":null}';
    const outcome = await json(content, { path });
    expect(outcome.values).toEqual([{ a: 1 }, { a: 2 }]);
    expect(outcome.rejections).toEqual([]);
    expect(outcome.raws).toEqual(['{"a":1}', '{"a":2}']);
  });

  it('walks through arrays by number, and takes an object at the end of the path for one record', async () => {
    expect((await json('[[0],{"rows":{"a":1}}]', { path: '1.rows' })).values).toEqual([{ a: 1 }]);
  });

  it.each([
    ['data.rows', 'there is no "rows" in data'],
    ['items', 'the names there are "data"'],
    ['data.n', 'neither an array nor an object'],
  ])('refuses the path %s with what is there instead', async (path, words) => {
    const outcome = await json('{"data":{"n":1}}', { path });
    expect(outcome.error).toMatchObject({ code: 'path-not-found', disposition: 'usage' });
    expect(String(outcome.error)).toContain(words);
  });

  it.each([
    ['{"meta":tru,"data":[1]}', 'expected true'],
    ['{"data":[{"a":1}],"x":}', 'expected a value'],
    ['{"data":[{"a":1}]', "'}' is missing"],
    ['{"data":[{"a":1}]} x', 'text after the end'],
  ])('rejects damage outside of the array too: %s', async (content, words) => {
    const outcome = await json(content, { path: 'data' });
    expect(outcome.rejections.at(-1)?.message).toContain(words);
  });

  it('loses one element to a mistake inside it', async () => {
    const outcome = await json('[{"a":1},{"a":tru},{"a":3,},{"a":4}]');
    expect(outcome.values).toEqual([{ a: 1 }, { a: 4 }]);
    expect(outcome.rejections.map((r) => [r.position.ordinal, r.position.byteStart])).toEqual([
      [1, 9],
      [2, 19],
    ]);
    expect(outcome.rejections[0]?.message).toBe('not valid JSON: expected true, at column 9');
  });

  it('keeps the objects of a small damaged document and nothing else', async () => {
    const outcome = await json('[{"a":1},7,"x",{},{"a":2},');
    expect(outcome.values).toEqual([{ a: 1 }, { a: 2 }]);
    expect(outcome.rejections.map((r) => r.code)).toEqual([
      'damaged-document',
      'damaged-document',
      'damaged-document',
      'invalid-json',
    ]);
  });

  it('keeps everything that stands before damage far into a large document', async () => {
    const numbers = Array.from({ length: 100_000 }, (_, i) => i);
    const outcome = await json(`[${numbers.join(',')},`);
    expect(outcome.values).toEqual(numbers);
    expect(outcome.rejections).toHaveLength(1);
    expect(outcome.blocks).toBeGreaterThan(numbers.length / 500);
  });

  it('finds the next element after a stray quote when every element has a line of its own', async () => {
    const rows = ['{"id":1,"t":"a"}', '{"id":2,"t":"b"c"}', '{"id":3,"t":"d}', '{"id":4,"t":["e"]]}', '{"id":5}'];
    const outcome = await json(`[\n  ${rows.join(',\n  ')}\n]\n`);
    expect(outcome.values).toEqual([{ id: 1, t: 'a' }, { id: 5 }]);
    expect(outcome.rejections.map((r) => r.position.line)).toEqual([3, 4, 5]);
    expect(outcome.raws).toEqual(rows);
  });

  it('takes no inner object for a row when it looks for the next element', async () => {
    const outcome = await json('[\n{"id":1,"in":[\n{"x":1}\n]},\n{"id":"2"","in":[\n{"x":2}\n]},\n{"id":3}\n]');
    expect(outcome.values).toEqual([{ id: 1, in: [{ x: 1 }] }]);
  });

  it('has no text for damage between elements', async () => {
    const outcome = await json('[{"a":1},,{"a":tru},]7', { path: undefined });
    expect(outcome.rejections.map((r) => r.code)).toEqual(Array(4).fill('invalid-json'));
    expect(outcome.raws).toEqual(['{"a":1}', '', '{"a":tru}', '', '']);
  });

  it('rejects an element beyond the limit and reads on', async () => {
    const outcome = await json(`[{"a":1},{"a":"${'x'.repeat(5000)}]"},{"a":3}]`, {
      maxRecordBytes: 100,
      blockBytes: 50,
    });
    expect(outcome.values).toEqual([{ a: 1 }, { a: 3 }]);
    expect(outcome.rejections.map((r) => [r.code, r.position.byteStart, r.position.byteEnd])).toEqual([
      ['record-too-long', 9, 5018],
    ]);
  });

  it('survives nesting of any depth and rejects what nothing could walk', async () => {
    const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    const outcome = await json(`[{"a":${deep(100_000)}},{"a":${deep(900)}}]`);
    expect(outcome.records).toHaveLength(1);
    expect(outcome.rejections.map((r) => r.code)).toEqual(['too-deep']);
    expect((await json(deep(100_000))).rejections.map((r) => r.code)).toEqual(['too-deep']);
    expect((await json('['.repeat(100_000))).rejections).toHaveLength(1);
  });

  it('gives what JSON.parse gives for any array, however it is written', async () => {
    const layout = fc.constantFrom(undefined, 1, 2, '\t');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue(), { minLength: 1 }), layout, async (values, indent) => {
        const text = JSON.stringify(values, null, indent);
        const outcome = await json(text);
        expect(outcome.rejections).toEqual([]);
        expect(outcome.values).toEqual(JSON.parse(text));
        expect(outcome.raws.map((raw) => JSON.parse(raw) as unknown)).toEqual(JSON.parse(text));
      }),
      { numRuns: 300 },
    );
  });

  it('gives what stream-json gives for an array inside a document', async () => {
    const document = fc.record({
      before: fc.jsonValue(),
      data: fc.record({ x: fc.jsonValue(), items: fc.array(fc.jsonValue()) }),
      after: fc.jsonValue(),
    });
    await fc.assert(
      fc.asyncProperty(document, fc.constantFrom(undefined, 2), async (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const expected = await byStreamJson(text, 'data.items');
        const outcome = await json(text, { path: 'data.items' });
        expect(outcome.rejections).toEqual([]);
        expect(outcome.values).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });
});

async function byStreamJson(text: string, path: string): Promise<unknown[]> {
  const stages = Readable.from([text])
    .pipe(parser.asStream())
    .pipe(pick.asStream({ filter: path }))
    .pipe(streamArray.asStream());
  const values: unknown[] = [];
  for await (const { value } of stages as AsyncIterable<{ value: unknown }>) values.push(value);
  return values;
}
