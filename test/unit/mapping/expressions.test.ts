import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FUNCTIONS, SPECIAL_FORMS } from '../../../src/mapping/index.js';
import { evaluate, mapRows, message, refusalOf, sourceNamed } from './map-rows.js';

const csv = sourceNamed('amounts.csv', 'csv');

describe('a missing name is null and null compares unequal to everything', () => {
  test.each([
    ['gone == "deleted"', false],
    ['gone != "deleted"', true],
    ['gone == 0', false],
    ['gone != 0', true],
    ['gone == other', false],
    ['gone != other', true],
    ['gone == gone', false],
    ['gone < 1', false],
    ['gone >= 1', false],
    ['gone > "a"', false],
    ['1 < gone', false],
    ['gone in ["a"]', false],
    ['"a" in gone', false],
    ['gone.deeper.still == 1', false],
    ['gone == null', true],
    ['gone != null', false],
    ['null == given', false],
    ['given != null', true],
    ['null == null', true],
    ['has(gone)', false],
    ['has(row.given)', true],
    ['!gone', true],
    ['gone && true', false],
    ['gone || true', true],
    ['gone ? 1 : 2', 2],
    ['gone.startsWith("a")', false],
    ['gone.matches("a")', false],
    ['"a".contains(gone)', false],
    ['gone.exists(x, x > 1)', false],
    ['gone.all(x, x > 1)', true],
    ['nothing == null', true],
  ])('%s is %s', (expression, expected) => {
    expect(evaluate(expression, { given: 1, nothing: null })).toBe(expected);
  });

  test.each([
    'gone + "a"',
    '1 + gone',
    'gone * 2',
    '-gone',
    'lower(gone)',
    'number(gone)',
    'gone.map(x, x)',
    'row[gone]',
  ])('%s is missing', (expression) => {
    expect(evaluate(expression, {})).toBe(null);
  });
});

describe('numbers are one type', () => {
  test.each([
    ['n + 1', 8],
    ['n / 2', 3.5],
    ['n % 2', 1],
    ['n * 1.5', 10.5],
    ['n - 10', -3],
    ['n == 7.0', true],
    ['n > 6.5', true],
    ['1 + 1.5', 2.5],
    ['1u + 1', 2],
    ['0x10', 16],
    ['-n', -7],
    ['7 in [1, 7.0]', true],
    ['n > 10', false],
  ])('%s is %s', (expression, expected) => {
    expect(evaluate(expression, { n: 7 })).toBe(expected);
  });

  test('index + 1 counts from one', () => {
    const { items } = mapRows(`each: turns\n${message('{{ index + 1 }}. {{ text }}')}`, [
      { turns: [{ text: 'a' }, { text: 'b' }] },
    ]);
    expect(items.map((item) => item.wire.type === 'thread_message' && item.wire.content)).toEqual(['1. a', '2. b']);
  });

  test('dividing by zero rejects the row, since there is no such number', () => {
    expect(evaluate('1 / n', { n: 0 })).toBe('rejected: n is 0, and nothing can be divided by it');
    expect(evaluate('1 % n', { n: 0 })).toContain('nothing can be divided by it');
    expect(evaluate('n * n', { n: 1e300 })).toContain('too large');
  });

  test('a number that would lose digits is refused when the mapping is loaded', () => {
    expect(refusalOf(message('{{ id == 12345678901234567890 }}'))).toContain(
      'more digits than a number holds exactly: put it in quotes',
    );
  });
});

describe('text and number join', () => {
  test.each([
    ['"T" + n', 'T7'],
    ['n + "T"', '7T'],
    ['"a" + "b"', 'ab'],
    ['"on: " + flag', 'on: true'],
    ['"x" + 1.50', 'x1.5'],
    ['[1] + [2]', [1, 2]],
  ])('%s', (expression, expected) => {
    expect(evaluate(expression, { n: 7, flag: true })).toEqual(expected);
  });
});

describe('every column name works in an expression as in a path', () => {
  const row = {
    type: 'bug',
    package: 'core',
    in: 3,
    größe: 4,
    名前: 'ken',
    'Ticket Id': 9,
    for: 'x',
    $ref: 'r',
    true: 't',
    size: 12,
    matches: 'm',
    __proto__x: 1,
    constructor: 'c',
  };
  test.each([
    ['type', 'bug'],
    ['type == "bug"', true],
    ['package + "!"', 'core!'],
    ['row.package', 'core'],
    ['in + 1', 4],
    ['in in [3]', true],
    ['row.in == 3', true],
    ['größe > 3', true],
    ['名前 + "さん"', 'kenさん'],
    ['row["Ticket Id"] + 1', 10],
    ["row['Ticket Id']", 9],
    ['for + package', 'xcore'],
    ['$ref', 'r'],
    ['row.true', 't'],
    ['size > 10', true],
    ['size(row["名前"])', 3],
    ['matches == "m"', true],
    ['constructor', 'c'],
    ['[in, größe].map(package, package * 2)', [6, 8]],
    ['"for in package" + for', 'for in packagex'],
  ])('%s', (expression, expected) => {
    expect(evaluate(expression, row)).toEqual(expected);
  });

  test.each([
    'constructor',
    'toString',
    '__proto__',
    'hasOwnProperty',
    'length',
    'map',
    'row.constructor.name',
    'list.length',
    'list.map',
  ])('the inherited name %s is missing when the row has no such column', (expression) => {
    expect(evaluate(expression, { list: [1] })).toBe(null);
  });

  test('any name in quotes reads the column of that name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.integer(), (name, value) => {
        fc.pre(name !== '__proto__');
        expect(evaluate(`row[${JSON.stringify(name)}]`, { [name]: value })).toBe(value);
      }),
      { numRuns: 100 },
    );
  });

  test('any word reads the column of that name, on its own and inside an expression', () => {
    const word = fc.stringMatching(/^[a-z_äöüßçñ][a-z0-9_äöüßçñ]{0,8}$/u);
    fc.assert(
      fc.property(word, fc.integer(), (name, value) => {
        fc.pre(!['true', 'false', 'null', 'row', 'source', '__proto__'].includes(name));
        expect(evaluate(`${name} + 0`, { [name]: value })).toBe(value);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a wrong type rejects the row naming column, type and fix', () => {
  test.each([
    ['amount > 10', 'amount is text in a CSV: number(amount)'],
    ['amount * 2', 'amount is text in a CSV: number(amount)'],
    ['amount == 10', 'amount is text in a CSV: number(amount)'],
    ['10 < amount', 'amount is text in a CSV: number(amount)'],
    ['amount in [10, 20]', 'amount is text in a CSV: number(amount)'],
    ['active == true', 'active is text in a CSV: bool(active)'],
    ['active ? 1 : 2', 'active is text in a CSV: bool(active)'],
    ['!active', 'active is text in a CSV: bool(active)'],
  ])('%s on a CSV', (expression, expected) => {
    expect(evaluate(expression, { amount: '12', active: 'yes' }, csv)).toBe(`rejected: ${expected}`);
  });

  test.each([
    ['amount > 10', 'amount is text: number(amount)'],
    ['lower(n)', 'n is a number: text(n)'],
    ['tags + "x"', 'tags is a list: json(tags)'],
    ['n.map(x, x)', 'n is a number, and map needs a list'],
    ['tags > 1', 'tags is a list and 1 is a number: they cannot be compared'],
    ['"a" in amount', 'amount is text: amount.contains("a")'],
    ['timestamp("2024-01-01T00:00:00Z") > amount', 'amount is no timestamp: timestamp(amount)'],
    ['number(word)', 'word is text that is no number'],
    ['number("12345678901234567890")', 'leave it as text'],
  ])('%s', (expression, expected) => {
    expect(evaluate(expression, { amount: '12', n: 1, tags: ['a'], word: 'ten' })).toContain(expected);
  });

  test('the same mistake reads the same on every row, under one code, and holds nothing of the row', () => {
    const { rejections } = mapRows(message('{{ amount * 2 }}'), [{ amount: 'secret-1' }, { amount: 'secret-2' }]);
    expect(new Set(rejections.map(({ code, message: text }) => `${code} ${text}`))).toEqual(
      new Set(['expression amount is text: number(amount)']),
    );
    expect(rejections[0]).toMatchObject({ stage: 'map', field: 'content', item: 0 });
  });
});

describe('no expression can hang', () => {
  test('a pattern that takes other engines for ever is matched in linear time', () => {
    const row = { text: `${'a'.repeat(50_000)}!` };
    expect(evaluate('text.matches("(a+)+$")', row)).toBe(false);
    expect(evaluate('text.matches("^(a|a)*$")', row)).toBe(false);
    expect(evaluate('text.matches(pattern)', { ...row, pattern: '(a*)*b' })).toBe(false);
  });

  test.each([
    ['lists inside lists', 'xs.map(a, xs.map(b, xs.map(c, xs.map(d, a + b + c + d))))'],
    ['text that doubles', 'xs.map(a, xs.map(b, xs.map(c, big + big + big + big)))'],
    ['JSON of shared values', 'json(xs.map(a, xs.map(b, row)))'],
    ['comparing long texts', 'xs.map(a, xs.map(b, big + "x" == big + "x"))'],
    ['replacement that grows', 'replace(replace(big, "a", big), "a", big)'],
    ['join that grows', 'join(xs.map(a, join(xs.map(b, big))))'],
    ['sorting', 'xs.map(a, xs.map(b, sort(xs))).size()'],
    ['a long pattern on a long text', 'xs.map(a, xs.map(b, big.matches("(x?){500}y")))'],
  ])('%s ends with a rejection', (_name, expression) => {
    const row = { xs: Array.from({ length: 400 }, (_, i) => i), big: 'a'.repeat(50_000) };
    expect(evaluate(expression, row)).toMatch(/^rejected: .*(too much work|too long)/);
  });

  test('ordinary work on a big record is no reason to refuse it', () => {
    const row = { xs: Array.from({ length: 200_000 }, (_, i) => i) };
    expect(evaluate('xs.filter(x, x % 2 == 0).map(x, x + 1).size()', row)).toBe(100_000);
  });
});

describe('mistakes in an expression are found when the mapping is loaded, with line and column', () => {
  test.each([
    ['{{ lowr(body) }}', 'map.yaml:6:16 item.content: there is no function lowr: did you mean lower?'],
    ['{{ length(body) }}', 'did you mean size?'],
    ['{{ a = 1 }}', 'map.yaml:6:18 item.content: unexpected "=": write == to compare'],
    ['{{ a and b }}', 'unexpected "and": write && for and'],
    ['{{ Ticket Id }}', 'for a name with blanks write row["Ticket Id"]'],
    ['{{ }}', 'the expression is empty: name a column'],
    ['a {{ b', '{{ is not closed: add }}'],
    ['a }} b', '}} without {{ before it'],
    ["{{ 'abc }}", "a text in quotes is not closed: add the closing '"],
    ['{{ x.matches("(") }}', 'the pattern is no regular expression: missing closing )'],
    ['{{ x.matches("(?=a)") }}', 'look-around is not supported'],
    ['{{ x.matches("\\d") }}', 'put an r before the text'],
    ['{{ substring(a) }}', 'substring takes substring(text, from, to?)'],
    ['{{ xs.map(1, 2) }}', 'invalid predicate iteration variable'],
    ['{{ source.nam }}', 'source has no member "nam": it has name, stem, path'],
    ['{{ timestamp(a, "YYYY-MM-DD") }}', 'years are yyyy and days dd'],
    ['{{ hour(a, "Berlin") }}', 'there is no time zone "Berlin"'],
    ['{{ a.?b }}', 'unexpected'],
    ['{{ b"x" }}', 'bytes have no use here'],
    [`{{ ${'('.repeat(300)}a${')'.repeat(300)} }}`, 'the expression is'],
    [`{{ ${'!'.repeat(15_000)}a }}`, 'the expression is'],
    [`{{ ${Array.from({ length: 3000 }, () => 'a').join('+')} }}`, 'the expression is too large'],
  ])('%s', (content, expected) => {
    expect(refusalOf(message(content))).toContain(expected);
  });

  test('what other templates write is told from what is written here', () => {
    expect(refusalOf(message('Hello ${name}'))).toContain('map.yaml:6:19 item.content: ${ is text here');
    expect(refusalOf(message('costs $ {a} {b} $5'))).toBe('accepted');
  });

  test('expressions are told from text by {{ }} alone: where and when take none', () => {
    expect(refusalOf(`where: '{{ a }}'\n${message('x')}`)).toContain(
      'this is an expression already: leave out the {{ }}',
    );
  });
});

describe('the reference of functions', () => {
  const row = {};
  test.each([...FUNCTIONS.values(), ...SPECIAL_FORMS].map(({ name, example }) => [name, ...example]))(
    'the example of %s gives what is written',
    (_name, expression, gives) => {
      expect(evaluate(expression, row)).toEqual(JSON.parse(gives));
    },
  );

  test('every function is written f(x) or x.f()', () => {
    expect(evaluate('lower(a) + a.lower()', { a: 'X' })).toBe('xx');
    expect(evaluate('a.replace("x", "y")', { a: 'axb' })).toBe('ayb');
  });

  test('sorting puts session_9 before session_10, keeps equal ones in place and missing ones last', () => {
    expect(evaluate('sort(xs)', { xs: ['session_10', null, 'session_9', 'session_1'] })).toEqual([
      'session_1',
      'session_9',
      'session_10',
      null,
    ]);
    expect(
      evaluate('xs.sort(x, x.n).map(x, x.id)', {
        xs: [
          { n: 2, id: 'a' },
          { n: 1, id: 'b' },
          { n: 2, id: 'c' },
        ],
      }),
    ).toEqual(['b', 'a', 'c']);
    expect(evaluate('sort(xs)', { xs: ['a', 1] })).toContain('sort needs values of one type');
  });

  test('parts of dates are those of the zone', () => {
    expect(evaluate('[year(t), month(t), day(t), hour(t)]', { t: '2024-12-31T23:30:00Z' })).toEqual([2024, 12, 31, 23]);
    expect(
      evaluate('[year(t, z), month(t, z), day(t, z), hour(t, z)]', { t: '2024-12-31T23:30:00Z', z: 'Asia/Tokyo' }),
    ).toEqual([2025, 1, 1, 8]);
    expect(evaluate('weekday("2024-05-05T12:00:00Z")', {})).toBe(7);
    expect(evaluate('year("2024-05-05")', {})).toContain('says no time zone');
  });

  test('timestamps are compared as moments', () => {
    expect(evaluate('timestamp(a) < timestamp(b)', { a: '2024-01-01T00:00:00+02:00', b: '2024-01-01T00:00:00Z' })).toBe(
      true,
    );
    expect(evaluate('timestamp(a, "epoch_s")', { a: 1_700_000_000 })).toBe('2023-11-14T22:13:20Z');
  });

  test('a name of a comprehension wins over a column inside it, and not outside', () => {
    expect(evaluate('xs.map(x, x * 2) + [x]', { xs: [1, 2], x: 9 })).toEqual([2, 4, 9]);
    expect(evaluate('xs.map(x, xs.map(y, x * y))', { xs: [1, 2] })).toEqual([
      [1, 2],
      [2, 4],
    ]);
    expect(evaluate('xs.map(x, xs.filter(x, x > 1).size() + x)', { xs: [1, 2] })).toEqual([2, 3]);
  });

  test('an object literal may hold any key', () => {
    expect(evaluate('{"a b": 1, "in": {"x": [1]}}', {})).toEqual({ 'a b': 1, in: { x: [1] } });
  });
});
