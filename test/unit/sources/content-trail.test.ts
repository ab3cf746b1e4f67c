import { appendFile, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ReadFrom, Source } from '../../../src/model.js';
import {
  createContentTrails,
  discoverSources,
  type BeginTrail,
  type ContentTrail,
  type SourceOptions,
  type TrailNews,
  type TrailState,
} from '../../../src/sources/index.js';
import { drain, tempFile, type Outcome } from './support.js';

const STRETCH = 64 * 1024;

let begin: BeginTrail;
beforeAll(async () => {
  begin = await createContentTrails();
});

const EMPTY: TrailState = { hashes: new Uint8Array(0), tail: undefined };

/** What is stored after the news was stored as well. */
function stored(before: TrailState, news: TrailNews | undefined): TrailState {
  if (news === undefined) return before;
  return { hashes: Buffer.concat([before.hashes.subarray(0, news.from * 8), news.hashes]), tail: news.tail };
}

function atOnce(content: Uint8Array): TrailState {
  const trail = begin('all at once');
  trail.take(content, 0);
  return stored(EMPTY, trail.news());
}

const plain = ({ hashes, tail }: TrailState): unknown => [
  Buffer.from(hashes).toString('hex'),
  tail === undefined ? undefined : [tail.bytes, Buffer.from(tail.hash).toString('hex')],
];

/** Content of any size: five stretches and what is left of one. */
const bytes = fc
  .tuple(fc.integer({ min: 0, max: 5 * STRETCH + 999 }), fc.nat(250))
  .map(([length, salt]) => Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * salt) & 0xff)));

const lines = (count: number, from = 0): string =>
  Array.from(
    { length: count },
    (_, i) => `${JSON.stringify({ i: from + i, text: 'é'.repeat((from + i) % 60) })}\n`,
  ).join('');
const TEXT = lines(4_000);
const CONTENT = Buffer.from(TEXT);

async function opened(path: string, options: SourceOptions = {}): Promise<Source> {
  const [source] = await discoverSources([path], { as: { id: 'tickets.jsonl', index: 0 }, ...options });
  if (source === undefined) throw new Error('no source');
  return source;
}

async function walked(path: string, trail: ContentTrail, from?: ReadFrom): Promise<Outcome> {
  return await drain(await opened(path), from, trail);
}

describe('the trail of a content', () => {
  it('is the same however the content came, and wherever tries were killed and gone on with', async () => {
    fc.assert(
      fc.property(
        bytes,
        fc.array(fc.tuple(fc.integer({ min: 1, max: 2 * STRETCH }), fc.constantFrom('', 'stored', 'killed')), {
          maxLength: 20,
        }),
        (content, steps) => {
          let state = EMPTY;
          let trail = begin('s');
          let at = 0;
          for (const [length, what] of [...steps, [content.length, 'stored'] as const]) {
            const piece = content.subarray(at, at + length);
            trail.take(piece, at);
            at += piece.length;
            expect(trail.covered).toBe(at);
            if (what === 'stored') state = stored(state, trail.news());
            if (what !== 'killed') continue;
            trail = begin('s', state);
            at = trail.knownTo;
            for (let next = 0; next < at; next = trail.stretch(next).to) {
              trail.check(content.subarray(next, trail.stretch(next).to), next);
            }
          }
          expect(plain(state)).toEqual(plain(atOnce(content)));
          expect(trail.news()).toBeUndefined();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('tells nothing when nothing came, and what lies behind the last whole stretch anew each time', () => {
    const trail = begin('s');
    expect(trail.news()).toBeUndefined();
    trail.take(Buffer.alloc(STRETCH + 10), 0);
    expect(trail.news()).toMatchObject({ from: 0, tail: { bytes: 10 } });
    trail.take(Buffer.alloc(10), STRETCH + 10);
    expect(trail.news()).toMatchObject({ from: 1, hashes: new Uint8Array(0), tail: { bytes: 20 } });
    expect(trail.news()).toBeUndefined();
    trail.take(Buffer.alloc(STRETCH - 20), STRETCH + 20);
    const last = trail.news();
    expect([last?.from, last?.hashes.length, last?.tail]).toEqual([1, 8, undefined]);
  });

  it('grows with a file that grew, to the trail a new reading of it gives', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4_000 }), fc.nat(4_000), async (before, more) => {
        const path = await tempFile('t.jsonl', lines(before));
        const first = begin('t.jsonl');
        const whole = await walked(path, first);
        const state = stored(EMPTY, first.news());
        await appendFile(path, lines(more, before));
        const second = begin('t.jsonl', state);
        const last = whole.entries.at(-1)?.position;
        const rest = await walked(path, second, last);
        expect([rest.error, rest.records.length]).toEqual([undefined, more + 1]);
        expect(plain(stored(state, second.news()))).toEqual(plain(atOnce(Buffer.from(lines(before + more)))));
      }),
      { numRuns: 12 },
    );
  });
});

describe('a content that is not what it was', () => {
  const packings = {
    't.jsonl': (content: Buffer) => content,
    't.jsonl.gz': (content: Buffer) => gzipSync(content, { level: 1 }),
  };

  it('is refused before a record of the changed stretch is given out, whichever byte changed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('t.jsonl', 't.jsonl.gz'),
        fc.integer({ min: 1, max: CONTENT.length }),
        fc.nat(),
        fc.boolean(),
        async (name, known, place, isUtf16) => {
          const content = isUtf16 ? Buffer.from(`\uFEFF${TEXT}`, 'utf16le') : CONTENT;
          const changed = Buffer.from(content);
          const at = place % known;
          changed[at] = (changed[at] ?? 0) ^ 1;
          const path = await tempFile(name, packings[name](changed));
          const options = isUtf16 ? { encoding: 'utf-16le' } : {};
          const trail = begin('tickets.jsonl', atOnce(content.subarray(0, known)));
          const { entries, error } = await drain(await opened(path, { format: 'jsonl', ...options }), undefined, trail);
          const { from, to } = trail.stretch(at);
          expect(error).toMatchObject({ code: 'source-changed', disposition: 'ledger' });
          const where = `between byte ${from.toLocaleString('en-US')} and ${to.toLocaleString('en-US')}:`;
          expect(String(error)).toContain(where);
          for (const { position } of entries) expect(position.byteEnd).toBeLessThanOrEqual(from);
          expect(trail.news()).toBeUndefined();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is refused as well where reading begins in the middle: at the beginning, which is looked at, and from the stretch of the record on', async () => {
    const path = await tempFile('t.jsonl', CONTENT);
    const { entries } = await drain(await opened(path));
    const known = atOnce(CONTENT);
    for (const ordinal of [700, 2_000, 3_999]) {
      const from = entries[ordinal]?.position;
      if (from === undefined) throw new Error('no record');
      const first = from.byteStart - (from.byteStart % STRETCH);
      for (const at of [0, STRETCH - 1, first, from.byteStart, from.byteEnd, CONTENT.length - 1]) {
        const changed = Buffer.from(CONTENT);
        changed[at] = (changed[at] ?? 0) ^ 1;
        await writeFile(path, changed);
        const outcome = await walked(path, begin('t', known), from);
        expect(outcome.error).toMatchObject({ code: 'source-changed' });
        const limit = at - (at % STRETCH);
        for (const { position } of outcome.entries) expect(position.byteEnd).toBeLessThanOrEqual(limit);
      }
    }
  });

  it('is refused wherever it changed when it is to be read from the start', async () => {
    const changed = Buffer.from(CONTENT);
    changed[STRETCH + 1] = 0;
    const path = await tempFile('t.jsonl', CONTENT);
    const from = (await drain(await opened(path))).entries[3_000]?.position;
    await writeFile(path, changed);
    expect((await walked(path, begin('t', atOnce(CONTENT)), from)).error).toBeUndefined();
    const outcome = await walked(path, begin('t', atOnce(CONTENT), true), from);
    expect(outcome.error).toMatchObject({ code: 'source-changed' });
    expect(outcome.entries).toEqual([]);
  });

  it('is told with file, line and bytes, and with what to do', async () => {
    const changed = Buffer.from(CONTENT);
    const at = 2 * STRETCH + 5_000;
    changed[at] = 0x7e;
    const path = await tempFile('t.jsonl', changed);
    const line = TEXT.slice(0, CONTENT.subarray(0, 2 * STRETCH).toString().length).split('\n').length;
    const message = `tickets.jsonl differs from line ${line.toLocaleString('en-US')} on, between byte 131,072 and 196,608: it is not what it was when this import began`;
    const { error } = await walked(path, begin('tickets.jsonl', atOnce(CONTENT)));
    expect(error).toMatchObject({
      message,
      hint: 'to import it as it is now, start anew with --restart, or give the import another name with --name',
    });
    const before = (await drain(await opened(await tempFile('t.jsonl', CONTENT)))).entries[1_200]?.position;
    expect(before?.byteStart).toBeLessThan(2 * STRETCH);
    expect((await walked(path, begin('tickets.jsonl', atOnce(CONTENT)), before)).error).toMatchObject({ message });
  });

  it('is refused when it is shorter, whether or not what is left is the same', async () => {
    for (const length of [0, 10, STRETCH, STRETCH + 1, CONTENT.length - 1]) {
      const path = await tempFile('t.jsonl', CONTENT.subarray(0, length));
      const { error, entries } = await walked(path, begin('tickets.jsonl', atOnce(CONTENT)));
      expect(error).toMatchObject({
        code: 'source-changed',
        message: `tickets.jsonl ends at byte ${length.toLocaleString('en-US')}, but ${CONTENT.length.toLocaleString('en-US')} bytes of it were read before: it is not what it was when this import began`,
      });
      for (const { position } of entries) expect(position.byteEnd).toBeLessThanOrEqual(length - (length % STRETCH));
    }
  });

  it('is accepted when only what nobody has read yet changed', async () => {
    const known = atOnce(CONTENT.subarray(0, STRETCH + 777));
    const changed = Buffer.concat([CONTENT.subarray(0, STRETCH + 777), Buffer.from('x"}\n{"new":1}\n')]);
    const trail = begin('tickets.jsonl', known);
    const outcome = await walked(await tempFile('t.jsonl', changed), trail);
    expect([outcome.error, outcome.values.at(-1)]).toEqual([undefined, { new: 1 }]);
    expect(plain(stored(known, trail.news()))).toEqual(plain(atOnce(changed)));
  });
});
