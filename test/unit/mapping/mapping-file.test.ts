import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFileSync, readdirSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { AppError } from '../../../src/errors.js';
import { loadMapping, mappingSchema, parseMapping } from '../../../src/mapping/index.js';
import { message, refusal, refusalOf } from './map-rows.js';

const ITEM = message('{{ body }}');

describe('YAML traps are named with what to do', () => {
  const QUOTES = "put the whole value in single quotes: '…'";
  test.each([
    [
      'an unquoted expression',
      'item:\n  type: thread_message\n  content: {{ body }}\n',
      'map.yaml:4:12 item.content: an unquoted {{ is a map to YAML',
      QUOTES,
    ],
    ['two unquoted expressions', 'item:\n  thread_id: {{ a }}-{{ b }}\n', 'map.yaml:3:', QUOTES],
    ['an unquoted expression in a list', 'each:\n  - {{ a }}\n', 'map.yaml:3:5 each[0]', QUOTES],
    ['a leading !', 'where: !deleted\n', 'map.yaml:2:8', QUOTES],
    ['a leading ! with brackets', 'where: !(a == b)\n', 'map.yaml:2:8', QUOTES],
    ['a tag of YAML', 'where: !!str a\n', 'map.yaml:2:', QUOTES],
    ['a quote at the start', 'where: "a" == b\n', 'map.yaml:2:', QUOTES],
    ['a single quote at the start', "where: 'a' == b\n", 'map.yaml:2:', QUOTES],
    ['double quotes inside double quotes', 'key: "{{ row["Ticket Id"] }}"\n', 'map.yaml:2:', QUOTES],
    ['a quote that is not closed', 'key: "abc\n', 'map.yaml:2:6', QUOTES],
    ['a colon inside', 'where: a: b\n', 'map.yaml:2:', QUOTES],
    ['a reserved character', 'where: @a\n', 'map.yaml:2:', QUOTES],
    ['an alias that is none', 'where: *a\n', 'map.yaml:2:', QUOTES],
    ['a duplicate key', 'where: a\nwhere: b\n', 'map.yaml:3:1 where', 'this key stands here twice'],
    [
      'keys that are the same text',
      'item:\n  metadata: { 1: a, "1": b }\n',
      'map.yaml:3:21 item.metadata["1"]',
      'twice',
    ],
    ['a name that cannot be one', 'item:\n  metadata: { __proto__: a }\n', 'map.yaml:3:15', 'this name cannot be used'],
    ['two documents', 'where: a\n---\nwhere: b\n', 'map.yaml:', 'multiple documents'],
    ['a tab', 'item:\n\ttype: thread_message\n', 'map.yaml:3:', 'Tabs are not allowed'],
    [
      'a number too long to be exact',
      'item:\n  metadata: { id: 12345678901234567890 }\n',
      'map.yaml:3:',
      'put it in quotes',
    ],
  ])('%s', (_name, mapping, place, advice) => {
    const message = refusalOf(mapping);
    expect(message).toContain(place);
    expect(message).toContain(advice);
  });

  test('another version of YAML is refused, since yes and no would be booleans in it', () => {
    expect(refusal(`%YAML 1.1\n---\nversion: 1\n${ITEM}`)).toContain('leave out the %YAML line');
  });

  test('aliases are followed, and a file that grows by them is refused', () => {
    const shared = `item:\n  type: thread_message\n  role: user\n  content: &c "{{ a }}"\n  thread_id: *c\n`;
    expect(refusalOf(shared)).toBe('accepted');
    const bomb = [
      'a0: &a0 [x]',
      ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}]`),
    ].join('\n');
    expect(refusalOf(bomb)).toContain('too large or nested too deeply');
    expect(refusalOf('a: &a { b: *a }')).toContain('too large or nested too deeply');
  });

  test('an empty file, an empty expression and an empty value say what to write', () => {
    expect(refusal('')).toContain('the file is empty: a mapping begins with version: 1');
    expect(refusal('# nothing\n')).toContain('the file is empty');
    expect(refusalOf(`where:\n${ITEM}`)).toContain('map.yaml:2:7 where: is empty: write an expression');
    expect(refusalOf(`where: ''\n${ITEM}`)).toContain('where: is empty: write an expression');
    expect(refusalOf(`where: ' '\n${ITEM}`)).toContain('the expression is empty');
    expect(refusalOf(message('{{ }}'))).toContain('the expression is empty');
  });
});

describe('mistakes in the shape of a file come with place, path and suggestion', () => {
  const item = (lines: string): string =>
    `item:\n  type: thread_message\n  thread_id: t\n  role: user\n  content: c\n${lines}`;
  test.each([
    [item('  created: "{{ a }}"\n'), 'map.yaml:7:3 item.created: unknown key: did you mean created_at?'],
    [item('  data: "{{ a }}"\n'), 'map.yaml:7:3 item.data: unknown key: did you mean content?'],
    [item('  graph_id: g\n'), 'item.graph_id: unknown key'],
    [
      item('  created_at: { from: a, timezone: UTC }\n'),
      'map.yaml:7:26 item.created_at.timezone: unknown key: did you mean zone?',
    ],
    [
      item('  metadata: { a: { b: 1 } }\n'),
      'map.yaml:7:20 item.metadata.a.b: unknown key: metadata holds no maps inside maps',
    ],
    [item('  name: 7\n'), 'map.yaml:7:9 item.name: 7 is a number, and text or a map is needed: put it in quotes'],
    [item('  name: [a]\n'), 'item.name: text or a map is needed, not a list'],
    [item('  oversize: cut\n'), 'item.oversize: "cut" cannot stand here'],
    [item('  oversize: spilt\n'), 'did you mean split?'],
    [`retract: [a]\n${item('')}`, 'map.yaml:2:1 retract: unknown key'],
    [`filter: a\n${item('')}`, 'did you mean where?'],
    [`source: { csv: { separator: ";" } }\n${item('')}`, 'source.csv.separator: unknown key: did you mean delimiter?'],
    [`source: { format: xls }\n${item('')}`, 'source.format: "xls" cannot stand here'],
    [`batch: { ignore_roles: [admin] }\n${item('')}`, 'batch.ignore_roles[0]: "admin" cannot stand here'],
    [
      `batch: { metadata: { zi_run: x } }\n${item('')}`,
      'map.yaml:2:22 batch.metadata.zi_run: names that begin with zi_ are kept for the importer',
    ],
    [`tests: [{ rwo: 1 }]\n${item('')}`, 'tests[0].rwo: unknown key: did you mean row?'],
    [
      'item: { type: thread_mesage }\n',
      'map.yaml:2:15 item.type: "thread_mesage" cannot stand here: did you mean thread_message?',
    ],
    ['item: { content: c }\n', 'item.type: is missing: one of thread_message, graph_episode'],
    ['item: { type: thread_message, role: user }\n', 'item.content: is missing'],
    ['item: []\n', 'item'],
    ['where: a\n', 'the mapping makes nothing: add item'],
    [`${item('')}items: [{ type: graph_episode, data: a }]\n`, 'item and items cannot stand together'],
    ['items: []\n', 'items: is empty'],
  ])('%j', (mapping, expected) => {
    expect(refusalOf(mapping)).toContain(expected);
  });

  test('a wrong version is said', () => {
    expect(refusal(`version: 2\n${ITEM}`)).toContain('map.yaml:1:10 version: 2 cannot stand here: one of 1');
    expect(refusal(ITEM)).toContain('version: is missing');
    expect(refusal('[1]')).toContain('a map is needed, not a list');
    expect(refusal('just text')).toContain('a map is needed, not text');
  });

  test.each([
    ['  created_at: { from: a, expr: b }\n', 'item.created_at.expr: from and expr cannot stand together'],
    ['  created_at: { zone: UTC }\n', 'nothing says where the value comes from'],
    [
      '  created_at: { from: a, format: epoch_s, zone: UTC }\n',
      'epoch_s always says the moment itself: leave zone out',
    ],
    ['  created_at: { from: a, format: yyyy-MM-dd ZZ, zone: UTC }\n', 'leave zone out'],
    [
      '  created_at: { from: a, zone: Europe/Lisbn }\n',
      'item.created_at.zone: there is no time zone "Europe/Lisbn": did you mean Europe/Lisbon?',
    ],
    ['  created_at: { from: a, zone: Lisbon }\n', 'did you mean Europe/Lisbon?'],
    ['  created_at: { from: a, zone: EST }\n', 'there is no time zone "EST"'],
    ['  created_at: { from: a, format: DD/MM/YYYY, zone: UTC }\n', 'days dd: "dd/MM/yyyy"'],
    ['  created_at: { from: a, format: "%Y-%m-%d", zone: UTC }\n', 'Unicode tokens have no %'],
    ['  created_at: { from: a, format: "dd/MM HH:mm", zone: UTC }\n', 'has no year'],
    [
      '  created_at: { from: a, format: [iso, "dd/MM"], zone: UTC }\n',
      'item.created_at.format[1]: "dd/MM" has no year',
    ],
    ['  created_at: { from: a, format: "yyyy HH a", zone: UTC }\n', 'hours to 12 are h'],
    ['  created_at: { from: a, default: yesterday }\n', 'item.created_at.default: is no moment'],
    ['  created_at: sent_at\n', 'a column is written "{{ name }}"'],
    ['  role: usr\n', 'did you mean user?'],
    ['  name: { from: "{{ a }}" }\n', 'from takes the path of a value: leave out the {{ }}'],
    ['  name: { from: a, default: "{{ b }}" }\n', 'this is a fixed value, not a template'],
    ['  name: { from: source.nam }\n', 'source has no member "nam"'],
    ['  metadata: { a: { from: a, type: number, format: iso } }\n', 'a date becomes text'],
    ['  metadata: plain\n', 'metadata is a map of names and values'],
  ])('impossible combination or value: %j', (lines, expected) => {
    const mapping = `item:\n  type: thread_message\n  thread_id: t\n  content: c\n${lines.startsWith('  role') ? '' : '  role: user\n'}${lines}`;
    expect(refusalOf(mapping)).toContain(expected);
  });

  test('words in a role map are checked when the file is loaded', () => {
    const mapping =
      'item:\n  type: thread_message\n  thread_id: t\n  content: c\n  role: { from: a, map: { x: asistant }, default: nobody }\n';
    expect(refusalOf(mapping)).toContain('item.role.map.x: "asistant" cannot stand here: did you mean assistant?');
    expect(refusalOf(mapping)).toContain('item.role.default: "nobody" cannot stand here');
  });

  test('an episode cannot go to a graph and to a user', () => {
    expect(refusalOf('item: { type: graph_episode, data: a, graph_id: g, user_id: u }\n')).toContain(
      'leave out graph_id or user_id',
    );
  });

  test('JSON cannot be cut off', () => {
    expect(
      refusalOf('item: { type: graph_episode, data: a, graph_id: g, data_type: json, oversize: truncate }\n'),
    ).toContain('JSON cannot be cut off');
  });

  test('all mistakes are collected and the first ten shown, in the order of the file', () => {
    const keys = Array.from({ length: 14 }, (_, i) => `unknown_${i}: 1`).join('\n');
    const lines = refusalOf(`${keys}\n${ITEM}`).split('\n');
    expect(lines[0]).toBe('14 mistakes in the mapping:');
    expect(lines[1]).toContain('map.yaml:2:1 unknown_0');
    expect(lines[10]).toContain('unknown_9');
    expect(lines[11]).toBe('… and 4 more');
  });

  test('mistakes of shape and of expressions are told together', () => {
    const message = refusalOf(
      'where: a = b\nitem: { type: thread_message, role: user, contnt: "{{ lowr(x) }}", nme: x }\n',
    );
    expect(message).toContain('where: unexpected "="');
    expect(message).toContain('item.contnt: unknown key: did you mean content?');
    expect(message).toContain('item.nme: unknown key: did you mean name?');
    expect(message).toContain('there is no function lowr');
    expect(message).not.toContain('item.content: is missing');
  });

  test('every mistake is a usage error', () => {
    expect(() => parseMapping('where: a', 'm.yaml')).toThrow(AppError);
    try {
      parseMapping('where: a', 'm.yaml');
    } catch (error) {
      expect(error).toMatchObject({ code: 'mapping-invalid', disposition: 'usage' });
    }
  });
});

describe('reading the file', () => {
  test('a file that is not there, not text or a folder is a usage error that names it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mapping-'));
    try {
      await writeFile(join(folder, 'latin.yaml'), Buffer.from('name: caf\xe9', 'latin1'));
      for (const [name, reason] of [
        ['none.yaml', 'there is no such file'],
        ['latin.yaml', 'is not UTF-8 text'],
        ['.', 'cannot be read'],
      ] as const) {
        await expect(loadMapping(join(folder, name))).rejects.toMatchObject({
          code: 'mapping-unreadable',
          disposition: 'usage',
          message: expect.stringContaining(reason) as string,
        });
      }
      await writeFile(join(folder, 'ok.yaml'), `\ufeffversion: 1\r\n${ITEM.replaceAll('\n', '\r\n')}`);
      expect((await loadMapping(join(folder, 'ok.yaml'))).version).toBe(1);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('JSON is a mapping file too, and its mistakes have places', () => {
    const json = '{\n\t"version": 1,\n\t"item": { "type": "graph_episode", "graph_id": "g", "dat": "{{ a }}" }\n}';
    expect(refusal(json, 'map.json')).toContain('map.json:3:54 item.dat: unknown key: did you mean data?');
    expect(refusal(json.replace('"dat"', '"data"'), 'map.json')).toBe('accepted');
  });
});

test('a file with every section and every form of a value is accepted', () => {
  const text = `version: 1
source: { format: csv, csv: { delimiter: ";" } }
where: 'status != "deleted"'
each: turns
key: "{{ ticket_id }}-{{ turn_no }}"
item:
  type: thread_message
  user_id: "{{ customer.id }}"
  thread_id: "support-{{ ticket_id }}"
  role: { from: author, map: { agent: assistant, customer: user }, default: norole }
  name: "{{ author_name }}"
  content: "{{ body }}"
  created_at: { from: sent_at, format: "dd/MM/yyyy HH:mm", zone: Europe/Lisbon }
  metadata: { ticket: "{{ ticket_id }}", priority: { from: priority, type: number } }
oversize: split
batch: { metadata: { description: Support backfill }, ignore_roles: [assistant], strict_ontology: false }
tests:
  - row: { ticket_id: 7 }
    expect: { thread_id: support-7, role: user }
`;
  expect(refusal(text)).toBe('accepted');
});

describe('what a mapping says of itself', () => {
  const text = `version: 1
source: { format: csv, csv: { delimiter: ";" } }
where: status != "x" && size(tags) > 0
each: turns
key: "{{ parent.id }}"
batch: { metadata: { description: d }, ignore_roles: [assistant], strict_ontology: true }
oversize: reject
items:
  - { type: thread_message, thread_id: t, user_id: u, role: user, content: "{{ a.b }}", created_at: "{{ at }}" }
  - { type: graph_episode, graph_id: g, data: "{{ parent.customer.id }}" }
tests:
  - row: { id: 7 }
    expect: { thread_id: t }
`;
  test('the facts other stages need', () => {
    const mapping = parseMapping(text, 'map.yaml');
    expect(mapping).toMatchObject({
      version: 1,
      source: { format: 'csv', csv: { delimiter: ';' } },
      batch: { metadata: { description: 'd' }, ignore_roles: ['assistant'], strict_ontology: true },
      hasKey: true,
      hasCreatedAt: 'some',
      givesOwner: true,
      oversize: 'reject',
      tests: [{ row: { id: 7 }, expect: { thread_id: 't' } }],
    });
    expect([...mapping.columnsUsed]).toEqual(expect.arrayContaining(['customer', 'id', 'status', 'tags', 'turns']));
    expect([...mapping.itemTypes]).toEqual(['thread_message', 'graph_episode']);
  });

  test('the fingerprint changes with the meaning, not with comments, formatting, notation, order of keys or examples', () => {
    const fingerprint = (source: string): string => parseMapping(source, 'm').fingerprint;
    const original = fingerprint(text);
    expect(original).toMatch(/^[0-9a-f]{64}$/);
    expect(fingerprint(`# a comment\n${text.replace('each: turns', 'each:   "turns"   # list')}`)).toBe(original);
    expect(fingerprint(JSON.stringify(parse(text)))).toBe(original);
    expect(fingerprint(text.replace('  - row: { id: 7 }', '  - row: { id: 8 }'))).toBe(original);
    const moved = text.replace('oversize: reject\n', '').replace('each: turns\n', 'oversize: reject\neach: turns\n');
    expect(fingerprint(moved)).toBe(original);
    expect(fingerprint(text.replace('each: turns', 'each: turn'))).not.toBe(original);
    expect(fingerprint(text.replace('oversize: reject', 'oversize: split'))).not.toBe(original);
  });
});

describe('the JSON Schema for editors', () => {
  const validate = new Ajv2020({ strict: false }).compile(mappingSchema());
  const folder = join(import.meta.dirname, '../../../fixtures/mappings');

  test('is of draft 2020-12 and describes every key', () => {
    expect(mappingSchema()).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' });
  });

  test.each(readdirSync(folder).filter((name) => name.endsWith('.yaml')))(
    'accepts what the program accepts: %s',
    async (name) => {
      const path = join(folder, name);
      expect(validate(parse(readFileSync(path, 'utf8')))).toBe(true);
      await expect(loadMapping(path)).resolves.toMatchObject({ version: 1 });
    },
  );

  test.each([
    'where: 7',
    'whre: a',
    'item: { type: thread_message, thread_id: t, role: user, content: c, data: d }',
    'item: { type: thread_message, thread_id: t, role: user, content: c, oversize: cut }',
    'item: { type: graph_episode, data: { from: [] } }',
    'batch: { ignore_roles: [admin] }',
  ])('refuses what the program refuses: %s', (mapping) => {
    const text = `version: 1\n${mapping}\n${mapping.startsWith('item') ? '' : ITEM}`;
    expect(validate(parse(text))).toBe(false);
    expect(refusal(text)).not.toBe('accepted');
  });
});
