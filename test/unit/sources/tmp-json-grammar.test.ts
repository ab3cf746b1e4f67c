import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonFault, JsonGrammar, placeOf } from '../../../src/sources/json-grammar.js';

const sound = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

const fault = (text: string): string | undefined => {
  const bytes = Buffer.from(text);
  const found = findJsonFault(bytes, 0, bytes.length);
  if (found === undefined) return undefined;
  const { line, column } = placeOf(bytes, 0, found.at, 1);
  return `${line}:${column} ${found.reason}`;
};

describe('the JSON grammar', () => {
  it('accepts exactly what JSON.parse accepts', () => {
    const token = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"a"',
        '"',
        '\\',
        '\\u00e9',
        '\\u12',
        '-',
        '0',
        '12',
        '.',
        'e',
        '+',
        'E-3',
        'true',
        'fals',
        'null',
        ' ',
        '\n',
        '\u0001',
        'é',
        '\u00a0',
      ],
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 10 }), (parts) => {
        const text = parts.join('');
        expect(fault(text) === undefined).toBe(sound(text));
      }),
      { numRuns: 5000 * 25 },
    );
  });

  it('accepts every value, and no longer once a byte is taken out of its structure', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), (value, at) => {
        const text = JSON.stringify(value);
        expect(fault(text)).toBeUndefined();
        const place = at % text.length;
        const less = text.slice(0, place) + text.slice(place + 1);
        expect(fault(less) === undefined).toBe(sound(less));
      }),
      { numRuns: 1000 * 25 },
    );
  });

  it.each([
    ['{"a":1,}', "1:8 a ',' stands before '}'"],
    ['[1,]', "1:4 a ',' stands before ']'"],
    ["{'a':1}", '1:2 expected a name in double quotes'],
    ['{"a" 1}', "1:6 expected ':' after the name"],
    ['{"a":1 "b":2}', "1:8 expected ',' or '}'"],
    ['{"a":01}', '1:7 a number cannot begin with 0'],
    ['{"a":"x', '1:8 the text in quotes is not closed'],
    ['{\n"é":NaN}', '2:5 expected a value'],
    ['{"a":"\\x"}', '1:8 a backslash in text must be followed by one of " \\ / b f n r t u'],
  ])('says of %j: %s', (text, words) => {
    expect(fault(text)).toBe(words);
  });

  it('can stop between any two bytes', () => {
    const bytes = Buffer.from('{"a":[1.5e-3,"\\u00e9x",true,null],"b":{}}');
    const grammar = new JsonGrammar();
    for (let i = 0; i < bytes.length; i++) expect(grammar.feed(bytes, i, i + 1)).toBeUndefined();
    expect(grammar.complete).toBe(true);
  });
});
