import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMapping } from '../../../src/mapping/index.js';
import { FINDERS, REDACTED_KINDS, type RedactedKind } from '../../../src/mapping/redaction/kinds.js';
import { DATA, hasData } from '../../support/cli.js';
import { mapRows } from './map-rows.js';

const found = (kind: RedactedKind, text: string): string[] =>
  [...FINDERS[kind](text)].map(([from, to]) => text.slice(from, to));

describe('what is taken for personal data', () => {
  it.each<[RedactedKind, string, string[]]>([
    [
      'email',
      'write to ana.prado+x@mail.example.org, or <BO@EXAMPLE.CO.UK>.',
      ['ana.prado+x@mail.example.org', 'BO@EXAMPLE.CO.UK'],
    ],
    ['email', 'josé@exämple.org; mailto:a@b.io', ['josé@exämple.org', 'a@b.io']],
    ['email', 'meet @ noon, @ana, a@b, user@localhost, 3@4.5', []],
    [
      'card',
      'card 4111 1111 1111 1111, 5500-0000-0000-0004 or 378282246310005',
      ['4111 1111 1111 1111', '5500-0000-0000-0004', '378282246310005'],
    ],
    ['card', 'order 4111 1111 1111 1112, id 1234567890123456789, 0000000000000000', []],
    [
      'iban',
      'IBAN DE89 3704 0044 0532 0130 00 and GB29NWBK60161331926819',
      ['DE89 3704 0044 0532 0130 00', 'GB29NWBK60161331926819'],
    ],
    ['iban', 'DE89 3704 0044 0532 0130 01, AB12CDEF34567890', []],
    ['ip', 'from 192.168.0.1 and 2001:db8::ff00:42:8329', ['192.168.0.1', '2001:db8::ff00:42:8329']],
    ['ip', 'version 1.2.3, at 10:20:30, 999.1.1.1, 1.2.3.4.5', []],
    ['ssn', 'SSN 078-05-1120', ['078-05-1120']],
    ['ssn', '000-12-3456, 2024-05-06, 123-45-67890', []],
    [
      'phone',
      'call +351 912 345 678 or +1 (555) 123-4567, 0049 30 1234567',
      ['+351 912 345 678', '+1 (555) 123-4567', '0049 30 1234567'],
    ],
    ['phone', '(555) 123-4567, 555-123-4567, 555.123.4567', ['(555) 123-4567', '555-123-4567', '555.123.4567']],
    ['phone', '030 1234567, 06 12 34 56 78, 020 7946 0958', ['030 1234567', '06 12 34 56 78', '020 7946 0958']],
    ['phone', '555-123-4567, then +351 912 345 678', ['555-123-4567', '+351 912 345 678']],
    ['phone', 'on 2024-05-06 at 10:30, 06.05.2024, 12 000 000 people, $ 123-456-7890', []],
    ['phone', 'order 20240506123, 1,234,567,890, 3.14159265358, 100 000 000, 192.168.100.200', []],
  ])('%s in %j', (kind, text, expected) => {
    expect(found(kind, text)).toEqual(expected);
  });

  it.each(REDACTED_KINDS)('takes time in proportion to the text (%s)', (kind) => {
    for (const text of [
      'a@'.repeat(300_000),
      '1 '.repeat(300_000),
      '1'.repeat(600_000),
      '1-'.repeat(300_000),
      'a.'.repeat(300_000),
      'AA11 '.repeat(120_000),
      '1:'.repeat(300_000),
    ]) {
      expect([...FINDERS[kind](text)].length).toBeLessThan(text.length);
    }
  });

  it.skipIf(!hasData)('is next to nothing in ordinary questions and talk', () => {
    const texts = [
      readFileSync(join(DATA, 'banking77/train.csv'), 'utf8'),
      ...readdirSync(join(DATA, 'locomo')).map((name) => readFileSync(join(DATA, 'locomo', name), 'utf8')),
    ];
    for (const text of texts) for (const kind of REDACTED_KINDS) expect(found(kind, text).length, kind).toBeLessThan(3);
  });
});

const EPISODE = `item:
  type: graph_episode
  graph_id: '{{ user }}'
  data: '{{ text }}'
  source_description: '{{ source_text }}'
  metadata: { note: '{{ note }}', number: '{{ number }}' }
`;

describe('a mapping that redacts', () => {
  it('takes personal data out of every text, and leaves ids alone', () => {
    const { items, notices } = mapRows(`redact: [email, card]\n${EPISODE}`, [
      {
        user: 'ana@b.org',
        text: 'I am ana@b.org',
        source_text: 'by a@b.org',
        note: 'bo@b.org',
        number: 4111111111111111,
      },
    ]);
    expect(items[0]?.wire).toMatchObject({
      graph_id: 'ana@b.org',
      data: 'I am [email]',
      source_description: 'by [email]',
      metadata: { note: '[email]', number: '[card]' },
    });
    expect(notices).toEqual(['redacted in what is sent: 3 email, 1 card']);
  });

  it('keeps JSON episodes JSON', () => {
    const { items } = mapRows(`redact: [email]\nitem: { type: graph_episode, graph_id: g, data: '{{ row }}' }`, [
      { a: ['x@y.org', 1], b: { c: 'no' } },
    ]);
    expect(items[0]?.wire).toMatchObject({ data_type: 'json', data: '{"a":["[email]",1],"b":{"c":"no"}}' });
  });

  it('redacts before it splits, so that nothing is missed at a cut', () => {
    const text = `${'word '.repeat(9)}someone.very.long@example.org ${'word '.repeat(20)}`;
    const { items } = mapRows(
      `redact: [email]\nitem: { type: graph_episode, graph_id: g, data: '{{ text }}', split: { size: 50, overlap: 10 } }`,
      [{ text }],
    );
    expect(items.length).toBeGreaterThan(2);
    expect(JSON.stringify(items.map(({ wire }) => wire))).not.toMatch(/example|someone/);
  });

  it('takes patterns of its own, with a name and another text in their place', () => {
    const own = "redact: [{ pattern: 'EMP-\\d+', name: employee }, { pattern: 'secret', replace: '***' }]\n";
    const { items } = mapRows(`${own}item: { type: graph_episode, graph_id: g, data: '{{ text }}' }`, [
      { text: 'EMP-12 is secret' },
    ]);
    expect(items[0]?.wire).toMatchObject({ data: '[employee] is ***' });
  });

  it.each([
    ["[{ pattern: '(' }]", 'the pattern is no regular expression'],
    ["[{ pattern: 'a*' }]", 'the pattern matches an empty text'],
    ['[mail]', 'redact'],
    ["[{ patern: 'a' }]", 'redact[0]'],
  ])('tells a mistake with its place: %s', (redact, expected) => {
    const text = `version: 1\nredact: ${redact}\nitem: { type: graph_episode, graph_id: g, data: x }\n`;
    expect(() => parseMapping(text, 'map.yaml')).toThrow(expected);
    expect(() => parseMapping(text, 'map.yaml')).toThrow('map.yaml:2');
  });

  it('is another mapping', () => {
    const of = (redact: string): string => parseMapping(`version: 1\n${redact}\n${EPISODE}`, 'm').fingerprint;
    expect(new Set([of(''), of('redact: [email]'), of('redact: [email, card]')]).size).toBe(3);
  });

  it('refuses a row that was written down with its id redacted', () => {
    const { rejections } = mapRows(`redact: [email]\n${EPISODE}`, [{ user: '[email]', text: 'x' }]);
    expect(rejections).toMatchObject([{ code: 'redacted-id', field: 'graph_id' }]);
  });
});

describe('a row that is written down', () => {
  const { redactRow } = parseMapping(`version: 1\nredact: [email, card, phone]\n${EPISODE}`, 'm');

  it('stays the JSON it was but for personal data: names, digits and blanks too', () => {
    const raw =
      '{ "a@b.org": "see x@y.org \\u0041", "n":12345678901234567890.50, "card": 4111111111111111, "ok": "\\ud83d\\ude00" }';
    expect(redactRow?.(raw, true)).toBe(
      '{ "a@b.org": "see [email] A", "n":12345678901234567890.50, "card": "[card]", "ok": "\\ud83d\\ude00" }',
    );
  });

  it('holds no e-mail address in any text of it, whatever else it holds', () => {
    fc.assert(
      fc.property(fc.json(), fc.string({ unit: 'binary', maxLength: 20 }), (json, junk) => {
        const row = JSON.stringify({ a: JSON.parse(json) as unknown, b: `${junk} someone@example.org ${junk}` });
        const redacted = redactRow?.(row, true) ?? '';
        expect(redacted).not.toContain('someone@example.org');
        JSON.parse(redacted);
      }),
    );
  });

  it('is text when it is no JSON, and a row of a table stays one', () => {
    expect(redactRow?.('{"a": "x@y.org"', true)).toBe('{"a": "[email]"');
    expect(redactRow?.('1,"x@y.org, z",+351 912 345 678', false)).toBe('1,"[email], z",[phone]');
  });
});
