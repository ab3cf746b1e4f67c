import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRaw, encodeRaw } from '../../src/raw-text.js';

describe('raw text', () => {
  it('gives back the bytes it was made from, whatever they are', () => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const bytes = Buffer.concat(parts);
        expect(encodeRaw(decodeRaw(bytes))).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it('is the text itself where the bytes are UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decodeRaw(Buffer.from(text))).toBe(text);
        expect(encodeRaw(text)).toEqual(Buffer.from(text));
      }),
    );
  });

  it('keeps what is sound between bytes that are not', () => {
    expect(decodeRaw(Buffer.from('caf\xe9 \xe2\x82\xac \xe2\x82', 'latin1'))).toBe('caf\udce9 € \udce2\udc82');
  });
});
