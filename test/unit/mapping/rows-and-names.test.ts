import { describe, expect, test } from 'vitest';
import { evaluate, mapRows, message, sourceNamed, type Mapped } from './map-rows.js';

function contents({ items }: Mapped): unknown[] {
  return items.map(({ wire }) => (wire.type === 'thread_message' ? wire.content : wire.data));
}

function first(content: string, row: unknown): unknown {
  const mapped = mapRows(message(content), [row]);
  return mapped.rejections[0]?.message ?? contents(mapped)[0];
}

describe('where keeps records', () => {
  test('records for which it is false or missing are skipped, a text in its place rejects the row', () => {
    const rows = [{ keep: true, body: 'a' }, { keep: false, body: 'b' }, { body: 'c' }, { keep: 'yes', body: 'd' }];
    const mapped = mapRows(`where: keep\n${message('{{ body }}')}`, rows);
    expect(mapped.fates).toEqual(['mapped', 'skipped', 'skipped', 'rejected']);
    expect(mapped.rejections[0]).toMatchObject({
      code: 'expression',
      field: 'where',
      message: 'keep is text: bool(keep)',
    });
    expect(mapped.rejections[0]).not.toHaveProperty('item');
  });

  test('it is asked of the record, before each opens it', () => {
    const mapped = mapRows(`where: size(turns) > 1\neach: turns\n${message('{{ row }}')}`, [
      { turns: ['a'] },
      { turns: ['b', 'c'] },
    ]);
    expect(contents(mapped)).toEqual(['b', 'c']);
  });
});

describe('each makes rows of a record', () => {
  test('a path, an expression or a nested list of them, in order', () => {
    const record = {
      chats: [
        { id: 1, turns: [{ t: 'a' }, { t: 'b' }] },
        { id: 2, turns: [{ t: 'c' }] },
      ],
    };
    expect(contents(mapRows(`each: chats\n${message('{{ id }}')}`, [record]))).toEqual(['1', '2']);
    expect(contents(mapRows(`each: 'chats.filter(c, c.id > 1)'\n${message('{{ id }}')}`, [record]))).toEqual(['2']);
    expect(
      contents(
        mapRows(`each: [chats, turns]\n${message('{{ parent.id }}{{ t }}{{ index }}{{ parent.index }}')}`, [record]),
      ),
    ).toEqual(['1a00', '1b10', '2c01']);
  });

  test('a missing or empty list skips the record, something else rejects it with what to write', () => {
    const mapped = mapRows(`each: turns\n${message('{{ row }}')}`, [
      {},
      { turns: null },
      { turns: [] },
      { turns: { a: 1 } },
      { turns: 'x' },
    ]);
    expect(mapped.fates).toEqual(['skipped', 'skipped', 'skipped', 'rejected', 'rejected']);
    expect(mapped.rejections.map(({ code }) => code)).toEqual(['each-not-list', 'each-not-list']);
    expect(mapped.rejections[0]?.message).toBe(
      'each: turns is an object, not a list: entries(turns) makes a list of it',
    );
  });

  test('an inner list that is none rejects its row and lets the others pass', () => {
    const record = { chats: [{ turns: ['a'] }, { turns: 7 }, { turns: ['c'] }] };
    const mapped = mapRows(`each: [chats, turns]\n${message('{{ row }}')}`, [record]);
    expect(contents(mapped)).toEqual(['a', 'c']);
    expect(mapped.items.map(({ index }) => index)).toEqual([0, 2]);
    expect(mapped.rejections[0]).toMatchObject({ code: 'each-not-list', item: 1 });
  });

  test('a rejected item takes a number, an item that is not wanted does not', () => {
    const mapping = `each: turns\n${message('{{ text }}', 'when: \'kind != "note"\'')}`;
    const mapped = mapRows(mapping, [{ turns: [{ text: 'a' }, {}, { kind: 'note', text: 'n' }, { text: 'd' }] }]);
    expect(mapped.items.map(({ index }) => index)).toEqual([0, 2]);
    expect(mapped.rejections).toHaveLength(1);
    expect(mapped.rejections[0]).toMatchObject({ item: 1, code: 'missing-field', field: 'content' });
    expect(mapped.fates).toEqual(['mapped']);
  });

  test('a bare name inside each is a column of the row, else of the row around it, and so on outwards', () => {
    const record = { ticket: 7, body: 'outer', rounds: [{ no: 1, turns: [{ body: 'a' }, { body: 'b' }] }] };
    const mapped = mapRows(`each: [rounds, turns]\n${message('{{ ticket }}/{{ no }}/{{ body }}')}`, [record]);
    expect(contents(mapped)).toEqual(['7/1/a', '7/1/b']);
    const expression = mapRows(`each: [rounds, turns]\n${message('{{ ticket + no }}')}`, [record]);
    expect(contents(expression)).toEqual(['8', '8']);
  });

  test('a row that has the column keeps it, also when it is null; row and parent ask one row alone', () => {
    const record = { body: 'outer', turns: [{ body: null }, {}] };
    expect(contents(mapRows(`each: turns\n${message('{{ coalesce(body, "none") }}')}`, [record]))).toEqual([
      'none',
      'outer',
    ]);
    expect(contents(mapRows(`each: turns\n${message('{{ coalesce(row.body, "none") }}')}`, [record]))).toEqual([
      'none',
      'none',
    ]);
    expect(contents(mapRows(`each: turns\n${message('{{ parent.body }}')}`, [record]))).toEqual(['outer', 'outer']);
  });

  test('a name that is found in some rows themselves and for others in the row around them is told', () => {
    const { notices } = mapRows(`each: turns\n${message('{{ body }}')}`, [
      { body: 'outer', turns: [{ body: 'own' }, {}] },
    ]);
    expect(notices.join()).toContain('from the row around it where it has not');
  });

  test('several items of one row each have their own condition, and know their template', () => {
    const mapping = `items:
  - { type: thread_message, thread_id: t, role: user, content: "{{ q }}" }
  - { type: thread_message, thread_id: t, role: assistant, content: "{{ a }}", when: a != null }
`;
    const mapped = mapRows(mapping, [{ q: '1', a: '2' }, { q: '3' }]);
    expect(contents(mapped)).toEqual(['1', '2', '3']);
    expect(mapped.items.map(({ index, template }) => [index, template])).toEqual([
      [0, 0],
      [1, 1],
      [0, 0],
    ]);
  });
});

describe('the context wins over columns of its names, and a clash is told', () => {
  test('row, source, index and parent inside each', () => {
    const record = { id: 1, turns: [{ index: 'i', parent: { id: 'p' }, row: 'r', source: 's', text: 't' }] };
    const mapped = mapRows(`each: turns\n${message('{{ index }} {{ parent.id }} {{ row.text }} {{ source.line }}')}`, [
      record,
    ]);
    expect(contents(mapped)).toEqual(['0 1 t 1']);
    expect([...mapped.notices].sort()).toEqual([
      'rows have a column "index", but in this mapping index is the name of something else',
      'rows have a column "parent", but in this mapping parent is the name of something else',
      'rows have a column "row", but in this mapping row is the name of something else',
      'rows have a column "source", but in this mapping source is the name of something else',
    ]);
    expect(
      contents(mapRows(`each: turns\n${message('{{ row.index }} {{ row.parent.id }} {{ row.source }}')}`, [record])),
    ).toEqual(['i p s']);
  });

  test('outside each only row and source exist: index and parent are columns', () => {
    const mapped = mapRows(message('{{ index }} {{ parent.id }}'), [{ index: 'i', parent: { id: 'p' } }]);
    expect(contents(mapped)).toEqual(['i p']);
    expect(mapped.notices).toEqual([]);
  });

  test('nothing is told when no row has such a column', () => {
    expect(mapRows(message('{{ source.line }} {{ row.a }}'), [{ a: 1 }]).notices).toEqual([]);
  });

  test('a name of a record that has no parent is a column of it', () => {
    expect(
      contents(mapRows(`each: turns\n${message('{{ parent.parent }}')}`, [{ parent: 'of the record', turns: [1] }])),
    ).toEqual(['of the record']);
  });

  test('parent.parent reaches further out', () => {
    const record = { name: 'deep', a: [{ b: [{ c: ['x'] }] }] };
    expect(
      contents(mapRows(`each: [a, b, c]\n${message('{{ parent.parent.parent.name }} {{ row }}')}`, [record])),
    ).toEqual(['deep x']);
  });

  test('source tells where the row comes from', () => {
    const mapped = mapRows(
      message(
        '{{ source.name }}|{{ source.stem }}|{{ source.path }}|{{ source.format }}|{{ source.line }}|{{ source.ordinal }}',
      ),
      [1, 2],
      {
        source: sourceNamed('in/Chat log.2024.jsonl.gz'),
      },
    );
    expect(contents(mapped)[1]).toBe('Chat log.2024.jsonl.gz|Chat log.2024|in/Chat log.2024.jsonl.gz|jsonl|2|1');
    expect(evaluate('source.name', {}, sourceNamed('stdin'))).toBe('stdin');
    expect(evaluate('source', {}, sourceNamed('stdin'))).toEqual({
      name: 'stdin',
      stem: 'stdin',
      path: 'stdin',
      format: 'jsonl',
      line: 1,
      ordinal: 0,
    });
  });
});

describe('a column whose whole name equals the path wins over nesting', () => {
  test.each([
    ['{{ customer.id }}', { 'customer.id': 'whole', customer: { id: 'nested' } }, 'whole'],
    ['{{ customer.id }}', { customer: { id: 'nested' } }, 'nested'],
    ['{{ customer.id }}', { 'customer.id': 'whole' }, 'whole'],
    ['{{ customer.id + "!" }}', { 'customer.id': 'whole', customer: { id: 'nested' } }, 'whole!'],
    ['{{ row.customer.id }}', { 'customer.id': 'whole' }, 'whole'],
    ['{{ customer["id"] }}', { 'customer.id': 'whole', customer: { id: 'nested' } }, 'nested'],
    ['{{ a.b.c }}', { 'a.b.c': 1 }, '1'],
  ])('%s of %j is %s', (content, row, expected) => {
    expect(first(content, row)).toBe(expected);
  });

  test('rows that have both are told', () => {
    const { notices } = mapRows(message('{{ customer.id }}'), [
      { 'customer.id': 'w', customer: { id: 'n' } },
      { 'customer.id': 'w' },
    ]);
    expect(notices).toEqual([
      'rows have both a column named "customer.id" and a nested value of that path: the column is taken',
    ]);
  });

  test('from takes any name, with blanks, signs and brackets too', () => {
    const name = (from: string): string =>
      `item: { type: graph_episode, graph_id: g, data: { from: ${JSON.stringify(from)} } }\n`;
    for (const column of [
      'Ticket Id',
      'sent-at',
      'Amount [EUR]',
      'a.b',
      'x]',
      '[0]',
      'größe (m²)',
      '1st',
      'in',
      '"q"',
    ]) {
      expect(contents(mapRows(name(column), [{ [column]: 'found' }]))).toEqual(['found']);
    }
    expect(contents(mapRows(name('customer.First Name'), [{ customer: { 'First Name': 'Zoë' } }]))).toEqual(['Zoë']);
    expect(contents(mapRows(name('turns[1].text'), [{ turns: [{}, { text: 'second' }] }]))).toEqual(['second']);
  });
});

describe('templates', () => {
  test.each([
    ['{{ a }}', { a: 7 }, '7'],
    ['{{a}}-{{ b }}', { a: true, b: 1.5 }, 'true-1.5'],
    ['{{ turns[0].text }}', { turns: [{ text: 'x' }] }, 'x'],
    ['{{ "}}" }}{{ {"a": {"b": 1}}.a.b }}', {}, '}}1'],
    ['{{ "{{" }} {{ \'"\' }}', {}, '{{ "'],
    ['a { b } c', {}, 'a { b } c'],
    ['{{ a }}', { a: { b: 1 } }, 'a is an object, and content needs text: json(a)'],
    ['x {{ a }}', { a: [1] }, 'a is a list, and text is needed: json(a)'],
    ['{{ a }}', {}, 'content is missing: there is no a'],
    ['{{ a }}', { a: null }, 'content is missing: there is no a'],
    [
      '{{ sent-at }}',
      { 'sent-at': 1 },
      'content is missing: there is no sent-at: for the column of that name write row["sent-at"]',
    ],
    ['{{ a }}', [1], 'content is missing: there is no a'],
    ['{{ a }}', 'text', 'content is missing: there is no a in the row, which is text'],
    ['{{ a }}', null, 'content is missing: there is no a in the row, which is missing'],
  ])('%s of %j gives %s', (content, row, expected) => {
    expect(first(content, row)).toBe(expected);
  });

  test('a fixed text that is the name of a column is told, since its braces were probably forgotten', () => {
    expect(mapRows(message('body'), [{ body: 'x' }]).notices).toEqual([
      'content is the fixed text "body" on every row, and rows have a column of that name',
    ]);
    expect(mapRows(message('body'), [{ text: 'x', user: 1 }]).notices).toEqual([]);
  });

  test('one missing part makes the whole missing: an id such as support- is never made', () => {
    const mapped = mapRows('item: { type: thread_message, thread_id: "support-{{ id }}", role: user, content: c }\n', [
      {},
      { id: 0 },
    ]);
    expect(mapped.items.map(({ wire }) => wire.type === 'thread_message' && wire.thread_id)).toEqual(['support-0']);
    expect(mapped.rejections[0]).toMatchObject({ code: 'missing-field', field: 'thread_id' });
  });
});

describe('descriptions of values', () => {
  const role = (spec: string): string => `item: { type: thread_message, thread_id: t, content: c, role: ${spec} }\n`;
  const roles = (spec: string, rows: readonly unknown[]): unknown[] => {
    const { items, rejections } = mapRows(role(spec), rows);
    return [
      ...items.map(({ wire }) => wire.type === 'thread_message' && wire.role),
      ...rejections.map(({ code, message: text }) => `${code}: ${text}`),
    ];
  };

  test('map compares as text, default takes what is missing or not in the map', () => {
    const spec = '{ from: a, map: { 1: user, true: assistant, x y: system }, default: norole }';
    expect(roles(spec, [{ a: 1 }, { a: '1' }, { a: true }, { a: 'x y' }, { a: 'z' }, {}])).toEqual([
      'user',
      'user',
      'assistant',
      'system',
      'norole',
      'norole',
    ]);
  });

  test('keys of a map are text as they are written', () => {
    expect(
      roles('{ from: a, map: { 01: user, 1.0: system, null: tool, no: assistant } }', [
        { a: '01' },
        { a: '1.0' },
        { a: 'null' },
        { a: 'no' },
      ]),
    ).toEqual(['user', 'system', 'tool', 'assistant']);
  });

  test('a value that is not in the map is rejected by name, cut short', () => {
    expect(roles('{ from: a, map: { x: user } }', [{ a: 'bot' }])).toEqual([
      'not-in-map: a is "bot", which is not in the map: add it, or a default:',
    ]);
    expect(roles('{ from: a, map: { x: user } }', [{ a: 'b'.repeat(100) }])[0]).not.toContain('b'.repeat(41));
    expect(roles('{ from: a, map: { x: user } }', [{ a: 'constructor' }])[0]).toContain('not in the map');
  });

  test('a role the service does not know is rejected with the roles it knows', () => {
    expect(roles('{ from: a }', [{ a: 'bot' }])).toEqual([
      'invalid-role: role is "bot", and must be one of user, assistant, system, function, tool, norole: use map:',
    ]);
  });

  test('of several paths the first that is there is taken', () => {
    expect(
      roles('{ from: [a, b.c] }', [
        { a: 'user', b: { c: 'system' } },
        { b: { c: 'system' } },
        { a: null, b: { c: 'tool' } },
        {},
      ]),
    ).toEqual(['user', 'system', 'tool', 'missing-field: role is missing: there is no a or b.c']);
  });

  test('required: false leaves out an item that cannot be without the value, required: true rejects one that could', () => {
    const mapping =
      'item: { type: thread_message, thread_id: t, role: user, content: { from: a, required: false }, name: { from: n, required: true } }\n';
    const mapped = mapRows(mapping, [{ n: 'x' }, { a: 'a' }, { a: 'a', n: 'x' }]);
    expect(mapped.fates).toEqual(['skipped', 'rejected', 'mapped']);
    expect(mapped.rejections[0]).toMatchObject({ code: 'missing-field', field: 'name' });
  });
});

describe('key', () => {
  test('identifies a row and goes with all its items; a row without one is rejected', () => {
    const mapping = `key: "{{ id }}-{{ n }}"\n${message('{{ text }}')}`;
    const mapped = mapRows(mapping, [{ id: 1, n: 2, text: 'a' }, { text: 'b' }]);
    expect(mapped.items[0]).toMatchObject({ key: '1-2' });
    expect(mapped.rejections[0]).toMatchObject({ code: 'missing-field', field: 'key' });
  });

  test('without key: in the mapping items have none', () => {
    expect(mapRows(message('a'), [{}]).items[0]).not.toHaveProperty('key');
  });

  test('required: false lets rows without one pass', () => {
    expect(
      mapRows(`key: { from: id, required: false }\n${message('a')}`, [{}, { id: 5 }]).items.map(({ key }) => key),
    ).toEqual([undefined, '5']);
  });
});
