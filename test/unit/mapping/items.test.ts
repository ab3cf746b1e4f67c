import { describe, expect, test } from 'vitest';
import type { Item } from '../../../src/model.js';
import { parseMapping } from '../../../src/mapping/index.js';
import { mapRows, message } from './map-rows.js';

const episode = (more: string): string => `item:\n  type: graph_episode\n  graph_id: g\n${more}\n`;

function reasons(mapping: string, row: unknown): string[] {
  return mapRows(mapping, [row]).rejections.map(({ stage, code, message: text }) => `${stage} ${code}: ${text}`);
}

function datas(items: readonly Item[]): string[] {
  return items.map(({ wire }) => (wire.type === 'graph_episode' ? wire.data : wire.content));
}

describe('only the fields of the kind are sent', () => {
  test('a thread message, with everything', () => {
    const mapping = `item:
  type: thread_message
  user_id: "{{ customer.id }}"
  thread_id: "support-{{ id }}"
  role: { from: author, map: { agent: assistant } }
  name: "{{ author_name }}"
  content: "{{ body }}"
  created_at: "{{ at }}"
  metadata: { ticket: "{{ id }}", priority: { from: priority, type: number }, gone: "{{ nothing }}" }
`;
    const row = {
      customer: { id: 5 },
      id: 7,
      author: 'agent',
      author_name: 'Ann',
      body: 'Hello',
      at: '2024-01-01T00:00:00Z',
      priority: '3',
    };
    const [item] = mapRows(mapping, [row]).items;
    expect(item?.wire).toStrictEqual({
      type: 'thread_message',
      thread_id: 'support-7',
      role: 'assistant',
      content: 'Hello',
      name: 'Ann',
      created_at: '2024-01-01T00:00:00Z',
      metadata: { ticket: 7, priority: 3 },
    });
    expect(item).toMatchObject({ owner: '5', index: 0, time: { ms: Date.UTC(2024, 0, 1), flags: 0 } });
  });

  test('a graph episode, with everything', () => {
    const mapping = episode(`  data: "{{ body }}"
  data_type: text
  created_at: "{{ at }}"
  source_description: Notes
  document_id: "doc-{{ id }}"
  metadata: { n: "{{ id }}" }`);
    const [item] = mapRows(mapping, [{ body: 'Hello', at: '2024-01-01T00:00:00Z', id: 7 }]).items;
    expect(item?.wire).toStrictEqual({
      type: 'graph_episode',
      data: 'Hello',
      data_type: 'text',
      graph_id: 'g',
      created_at: '2024-01-01T00:00:00Z',
      metadata: { n: 7 },
      source_description: 'Notes',
      document_id: 'doc-7',
    });
    expect(item?.owner).toBeUndefined();
  });

  test('what is missing, null or blank is not sent at all', () => {
    const [item] = mapRows(
      episode(
        '  data: "{{ body }}"\n  document_id: "{{ d }}"\n  source_description: "{{ s }}"\n  metadata: { a: "{{ d }}", b: "{{ l }}" }',
      ),
      [{ body: 'x', d: null, s: ' ', l: [] }],
    ).items;
    expect(item?.wire).toStrictEqual({ type: 'graph_episode', data: 'x', data_type: 'text', graph_id: 'g' });
    expect(item?.time).toStrictEqual({ ms: undefined, flags: 0 });
  });
});

describe('the destination from the command line', () => {
  const plain = 'item: { type: graph_episode, data: x }\n';
  const both = `items:\n  - { type: graph_episode, data: x, graph_id: own }\n  - { type: thread_message, thread_id: own, user_id: own, role: user, content: c }\n`;
  const wires = (mapping: string, override: object): unknown[] =>
    mapRows(mapping, [{}], { override }).items.map(({ wire, owner }) => ({ ...wire, owner }));

  test('sets or overrides the graph, the user and the thread', () => {
    expect(wires(plain, { graphId: 'g1' })).toMatchObject([{ graph_id: 'g1' }]);
    const [item] = wires('item: { type: graph_episode, data: x, graph_id: own }\n', { userId: 'u1' });
    expect(item).toMatchObject({ user_id: 'u1' });
    expect(item).not.toHaveProperty('graph_id');
    expect(wires(both, { threadId: 't1', userId: 'u1' })).toMatchObject([
      { user_id: 'u1' },
      { thread_id: 't1', owner: 'u1' },
    ]);
    expect(wires(both, { graphId: 'g1', userId: 'u1' })).toMatchObject([
      { graph_id: 'g1' },
      { thread_id: 'own', owner: 'u1' },
    ]);
  });

  test('is an id as it stands, not a template', () => {
    expect(wires(plain, { graphId: '{{ x }}' })).toMatchObject([{ graph_id: '{{ x }}' }]);
  });

  test.each([
    [plain, {}, 'map.yaml:2:7 item: the episodes have no graph'],
    ['item: { type: thread_message, role: user, content: c }\n', {}, 'map.yaml:2:7 item: the messages have no thread'],
    [plain, { graphId: ' ' }, '--graph is blank'],
    [plain, { graphId: 'g', userId: 'u' }, 'to a graph or to a user, not to both'],
    [plain, { graphId: 'g', threadId: 't' }, '--thread has no effect'],
    [message('c'), { graphId: 'g' }, '--graph has no effect'],
    [message('c'), { threadId: 'x'.repeat(501) }, '--thread is longer than 500 characters'],
  ])('is refused when it cannot be used: %j with %j', (mapping, override, expected) => {
    const compiled = parseMapping(`version: 1\n${mapping}`, 'map.yaml');
    expect(() => compiled.compile(override)).toThrow(expected);
  });
});

describe('every documented limit is checked', () => {
  test('text at the limit passes, counted in characters and not in units', () => {
    expect(mapRows(message('{{ a }}', 'oversize: reject'), [{ a: '😀'.repeat(4096) }]).items).toHaveLength(1);
    expect(mapRows(episode('  data: "{{ a }}"\n  oversize: reject'), [{ a: '😀'.repeat(10_000) }]).items).toHaveLength(
      1,
    );
  });

  test.each([
    [
      message('{{ a }}', 'oversize: reject'),
      { a: 'x'.repeat(4097) },
      'limit too-long: content has 4,097 characters, and the service takes 4,096: oversize: split or truncate takes it',
    ],
    [
      episode('  data: "{{ a }}"\n  oversize: reject'),
      { a: '😀'.repeat(10_001) },
      'limit too-long: data has 10,001 characters, and the service takes 10,000',
    ],
    [
      message('c', 'name: "{{ a }}"'),
      { a: 'x'.repeat(101) },
      'limit too-long: name has 101 characters, and the service takes 100',
    ],
    [
      episode('  data: c\n  source_description: "{{ a }}"'),
      { a: 'x'.repeat(501) },
      'limit too-long: source_description',
    ],
    [episode('  data: c\n  document_id: "{{ a }}"'), { a: 'x'.repeat(101) }, 'limit too-long: document_id'],
    [
      'item: { type: thread_message, role: user, content: c, thread_id: "{{ a }}" }\n',
      { a: 'x'.repeat(501) },
      'limit too-long: thread_id has 501',
    ],
    [
      'item: { type: thread_message, role: user, content: c, thread_id: "{{ a }}" }\n',
      { a: '  ' },
      'map missing-field: thread_id is blank',
    ],
    [message('{{ a }}'), { a: ' \n\t' }, 'map blank-text: content is blank'],
    [message('{{ a }}'), { a: '' }, 'map blank-text: content is blank'],
    [episode('  data: "{{ a }}"'), { a: '\u3000' }, 'map blank-text: data is blank'],
    [message('{{ a }}'), { a: 'ab\ud800' }, 'map broken-text: content holds half a character'],
    ['item: { type: graph_episode, graph_id: "{{ a }}", data: c }\n', { a: '\udc00' }, 'map broken-text: graph_id'],
    [
      episode('  data: c\n  data_type: "{{ a }}"'),
      { a: 'fact_triple' },
      'map invalid-data-type: data_type is "fact_triple", and must be one of text, json, message',
    ],
    [
      message('c', 'metadata: "{{ a }}"'),
      { a: Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`k${i}`, i])) },
      'limit metadata-keys: metadata has 11 values',
    ],
    [message('c', 'metadata: { a: "{{ a }}" }'), { a: { b: 1 } }, 'map metadata-nested: metadata.a is an object'],
    [
      message('c', 'metadata: { a: "{{ a }}" }'),
      { a: [1, null] },
      'map metadata-nested: metadata.a is a list that holds null',
    ],
    [
      message('c', 'metadata: { a: "{{ a }}" }'),
      { a: [[1]] },
      'map metadata-nested: metadata.a is a list that holds a list',
    ],
    [message('c', 'metadata: "{{ a }}"'), { a: 'x' }, 'map metadata: metadata is text, and must be an object'],
    [
      message('c', 'metadata: { a: { from: a, type: number } }'),
      { a: 'ten' },
      'map wrong-type: metadata.a is text that is no number',
    ],
    [message('c', 'metadata: { a: { from: a, type: number } }'), { a: '12345678901234567890' }, 'leave it as text'],
    [
      message('c', 'metadata: { a: { from: a, type: boolean } }'),
      { a: 'maybe' },
      'map wrong-type: metadata.a is text that is neither true nor false',
    ],
    [
      message('c', 'metadata: { a: { from: a, format: iso } }'),
      { a: '2024-01-01' },
      'map date-without-zone: metadata.a says no time zone',
    ],
  ])('%j of %j', (mapping, row, expected) => {
    const found = reasons(mapping, row);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
  });

  test('metadata keeps types, lists of plain values and ten values', () => {
    const mapping = message(
      'c',
      'metadata: { n: "{{ n }}", b: "{{ b }}", l: "{{ l }}", t: "n={{ n }}", d: { from: d, format: epoch_s }, num: 2, yes: true, s: fixed, num2: { from: s, type: number }, txt: { from: n, type: text } }',
    );
    const [item] = mapRows(mapping, [{ n: 1.5, b: false, l: ['a', 1], d: 0, s: ' 12 ' }]).items;
    expect(item?.wire.metadata).toStrictEqual({
      n: 1.5,
      b: false,
      l: ['a', 1],
      t: 'n=1.5',
      d: '1970-01-01T00:00:00Z',
      num: 2,
      yes: true,
      s: 'fixed',
      num2: 12,
      txt: '1.5',
    });
  });
});

describe('what is too long', () => {
  test('text is split by default; parts share everything but the text and know which they are', () => {
    const text = 'A sentence of the text. '.repeat(500);
    const { items } = mapRows(episode('  data: "{{ a }}"\n  document_id: d\n  created_at: 2024-01-01T00:00:00Z'), [
      { a: text },
    ]);
    expect(datas(items).join('')).toBe(text);
    expect(items.map(({ index, part }) => [index, part])).toEqual([
      [0, { index: 0, of: 2 }],
      [0, { index: 1, of: 2 }],
    ]);
    for (const { wire } of items)
      expect(wire).toMatchObject({ document_id: 'd', created_at: '2024-01-01T00:00:00Z', graph_id: 'g' });
  });

  test('an item that is whole is no part', () => {
    expect(mapRows(message('short'), [{}]).items[0]).not.toHaveProperty('part');
  });

  test('truncate keeps the beginning, and is told', () => {
    const { items, notices } = mapRows(`oversize: truncate\n${message('{{ a }}')}`, [
      { a: '😀'.repeat(5000) },
      { a: 'short' },
    ]);
    expect(datas(items).map((text) => [...text].length)).toEqual([4096, 5]);
    expect(notices).toEqual(['1 item was cut off at the limit of the service']);
  });

  test('split makes passages of a text that is longer than its size, and leaves a shorter one alone', () => {
    const long = `${'One sentence. '.repeat(20)}\n\n# Title\n\n${'Another one. '.repeat(20)}`;
    const { items } = mapRows(episode('  data: "{{ a }}"\n  document_id: d\n  split: { size: 200, overlap: 20 }'), [
      { a: long },
      { a: 'short' },
    ]);
    expect(items.length).toBeGreaterThan(4);
    expect(items.slice(0, -1).map(({ part }) => part)).toEqual(
      items.slice(0, -1).map((_, index) => ({ index, of: items.length - 1 })),
    );
    expect(items.at(-1)).not.toHaveProperty('part');
    expect(datas(items).some((text) => text.startsWith('# Title'))).toBe(true);
    for (const { wire } of items) expect(wire).toMatchObject({ document_id: 'd' });
    for (const text of datas(items)) expect([...text.trimEnd()].length).toBeLessThanOrEqual(200);
  });

  test('split: true takes 500 characters, and split: false what the service takes', () => {
    const text = 'Some words. '.repeat(100);
    const count = (split: string): number =>
      mapRows(episode(`  data: "{{ a }}"\n  split: ${split}`), [{ a: text }]).items.length;
    expect(count('true')).toBe(3);
    expect(count('false')).toBe(1);
  });

  test.each([
    ['  data: "{{ a }}"\n  split: { size: 40 }', 'split.size'],
    ['  data: "{{ a }}"\n  split: { size: 20000 }', 'size is over 10000'],
    ['  data: "{{ a }}"\n  split: { size: 100, overlap: 60 }', 'overlap is more than half of the size'],
    ['  data: "{{ a }}"\n  split: true\n  oversize: reject', 'split and oversize cannot stand together'],
    ['  data: "{{ a }}"\n  split: true\n  data_type: json', 'JSON is not split into passages'],
    ['  data: "{{ a }}"\n  split: { at: [chapters] }', 'split.at'],
    ['  data: "{{ a }}"\n  split: { sise: 100 }', 'size'],
  ])('a split that cannot be is told with its place: %j', (item, expected) => {
    expect(() => parseMapping(`version: 1\n${episode(item)}`, 'map.yaml')).toThrow(expected);
  });

  test('an item may differ from the file', () => {
    expect(reasons(`oversize: reject\n${message('{{ a }}', 'oversize: split')}`, { a: 'x'.repeat(5000) })).toEqual([]);
  });

  test('text that could only be split into blank parts is rejected', () => {
    expect(reasons(message('{{ a }}'), { a: `a${' '.repeat(10_000)}b` })[0]).toContain(
      'so much white space that a part would be blank',
    );
  });

  test('JSON is rejected by default, and split at members when asked, with the same leaves', () => {
    const row = { a: 'x'.repeat(6000), b: { c: 'y'.repeat(6000), d: [1, 2] } };
    expect(reasons(episode('  data: "{{ row }}"'), row)[0]).toContain('oversize: split takes it');
    const { items } = mapRows(episode('  data: "{{ row }}"\n  oversize: split'), [row]);
    expect(datas(items).map((data) => JSON.parse(data) as unknown)).toEqual([{ a: row.a }, { b: row.b }]);
    expect(items.map(({ part }) => part?.index)).toEqual([0, 1]);
    expect(reasons(`oversize: split\n${episode('  data: "{{ row }}"')}`, { a: 'x'.repeat(12_000) })[0]).toContain(
      'a single value in it is longer',
    );
    expect(reasons(`oversize: truncate\n${episode('  data: "{{ row }}"')}`, row)[0]).toContain(
      'JSON cannot be cut off',
    );
  });

  test('JSON that holds numbers beyond exactness is not split', () => {
    const json = `{"id":12345678901234567890,"text":"${'x'.repeat(6000)}","more":"${'y'.repeat(6000)}"}`;
    expect(reasons(episode('  data: "{{ a }}"\n  data_type: json\n  oversize: split'), { a: json })[0]).toContain(
      'more digits than can be kept',
    );
    const fine = json.replace('12345678901234567890', '0.1234567890123456').replace('xxx', '12345678901234567890');
    expect(reasons(episode('  data: "{{ a }}"\n  data_type: json\n  oversize: split'), { a: fine })).toEqual([]);
  });
});

describe('the data of an episode', () => {
  const wire = (mapping: string, row: unknown): unknown => mapRows(mapping, [row]).items[0]?.wire;

  test('an object or list is sent as JSON, a text as text, and JSON text as it stands', () => {
    expect(wire(episode('  data: "{{ row }}"'), { a: [1, 'b'] })).toMatchObject({
      data: '{"a":[1,"b"]}',
      data_type: 'json',
    });
    expect(wire(episode('  data: "{{ a }}"'), { a: [1] })).toMatchObject({ data: '[1]', data_type: 'json' });
    expect(wire(episode('  data: "{{ a }}"'), { a: '{"b":1}' })).toMatchObject({ data: '{"b":1}', data_type: 'text' });
    expect(wire(episode('  data: "{{ a }}"\n  data_type: json'), { a: '{"b": 1}' })).toMatchObject({
      data: '{"b": 1}',
      data_type: 'json',
    });
    expect(wire(episode('  data: "{{ a }}"'), { a: 7 })).toMatchObject({ data: '7', data_type: 'text' });
    expect(wire(episode(`  data: { expr: '{"q": a}' }`), { a: 7 })).toMatchObject({
      data: '{"q":7}',
      data_type: 'json',
    });
    expect(wire(episode('  data: "{{ a }}"\n  data_type: message'), { a: 'Ann: hi' })).toMatchObject({
      data_type: 'message',
    });
  });

  test('text that is no JSON is rejected where JSON was promised, an object where text was', () => {
    expect(reasons(episode('  data: "{{ a }}"\n  data_type: json'), { a: 'hello' })[0]).toContain('invalid-json');
    expect(reasons(episode('  data: "{{ a }}"\n  data_type: text'), { a: {} })[0]).toContain(
      'data is an object, and data_type: text needs text',
    );
  });
});
