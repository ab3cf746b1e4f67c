import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BatchId } from '../../../src/model.js';
import {
  BadAnswer,
  parseBatchPage,
  parseItemPage,
  parseItems,
  parseJson,
  parseProject,
  parseSummary,
  parseThreadOwner,
} from '../../../src/remote/answers.js';
import { redactor, serverWords } from '../../../src/remote/server-words.js';
import type { WireAnswer } from '../../../src/remote/transport.js';

const ID = 'b' as BatchId;
const asIs = (text: string): string => text;

function answer(body: string | Buffer, headers: Record<string, string> = {}): WireAnswer {
  return { status: 200, header: (name) => headers[name], body: Buffer.from(body), sentAt: 0, headersAt: 0 };
}

describe('a batch', () => {
  it('is read in full', () => {
    const progress = {
      total_items: 10,
      queued_items: 1,
      processing_items: 2,
      succeeded_items: 3,
      failed_items: 1,
      skipped_items: 2,
      canceled_items: 1,
      percent_complete: 70.5,
    };
    const wire = {
      batch_id: 'b',
      status: 'processing',
      item_count: 10,
      metadata: { zi_run: 'r' },
      progress,
      created_at: '2026-01-01T00:00:00Z',
      shiny_new_field: {},
    };
    expect(parseSummary(wire, ID)).toEqual({
      batchId: 'b',
      status: 'processing',
      itemCount: 10,
      metadata: { zi_run: 'r' },
      counts: { total: 10, queued: 1, processing: 2, succeeded: 3, failed: 1, skipped: 2, canceled: 1, percent: 70.5 },
      createdAt: '2026-01-01T00:00:00Z',
      updatedAt: undefined,
      processedAt: undefined,
      completedAt: undefined,
    });
  });

  it('may lack nearly everything, hold nulls, words we do not know, and numbers as text', () => {
    const wire = {
      batch_id: 'b',
      status: 'exploding',
      item_count: '7',
      metadata: null,
      progress: null,
      created_at: null,
    };
    expect(parseSummary(wire, undefined)).toMatchObject({
      status: 'exploding',
      itemCount: 7,
      metadata: {},
      counts: undefined,
    });
    expect(parseSummary({ batch_id: 'b', item_count: -1 }, ID).itemCount).toBeUndefined();
    expect(parseSummary({ batch_id: 'b', item_count: 1.5 }, ID).itemCount).toBeUndefined();
    expect(parseSummary({ status: 'draft' }, ID).batchId).toBe('b');
  });

  it.each([[{}], [{ total_items: 0, queued_items: 0 }], [null], ['none'], [[]]])(
    'has no counts while the service gives none (%j)',
    (progress) => {
      expect(parseSummary({ batch_id: 'b', item_count: 3, progress }, ID).counts).toBeUndefined();
    },
  );

  it('counts against its item count when the progress names no total', () => {
    expect(parseSummary({ batch_id: 'b', item_count: 9, progress: { succeeded_items: 4 } }, ID).counts?.total).toBe(9);
  });

  it.each([
    ['no id for a new one', { status: 'draft' }, undefined],
    ['nothing at all', {}, ID],
    ['another id', { batch_id: 'c', status: 'draft' }, ID],
    ['a list', [], ID],
    ['null', null, ID],
    ['text', 'ok', ID],
  ])('is refused with %s', (_case, wire, expected) => {
    expect(() => parseSummary(wire, expected)).toThrow(BadAnswer);
  });
});

describe('item details', () => {
  it('keep what identifies an item, and its error in whatever shape it came', () => {
    const errors: [unknown, unknown][] = [
      [undefined, undefined],
      [null, undefined],
      [{}, undefined],
      ['boom', { message: 'boom', code: undefined }],
      [
        { message: 'm', code: 'c' },
        { message: 'm', code: 'c' },
      ],
      [{ code: 7 }, { message: '{"code":7}', code: '7' }],
      [{ why: { deep: 1 } }, { message: '{"why":{"deep":1}}', code: undefined }],
      [{ error: { message: 'nested' } }, { message: 'nested', code: undefined }],
      [{ message: 'red\u001b[31m\nalert\u202e' }, { message: 'red [31m alert', code: undefined }],
    ];
    const items = parseItems(
      errors.map(([error], index) => ({ sequence_index: index, kind: 'graph_episode', status: 'failed', error })),
      asIs,
    );
    expect(items.map((item) => item.error)).toEqual(errors.map(([, expected]) => expected));
    expect(items[3]).toMatchObject({ index: 3, kind: 'graph_episode', status: 'failed', episodeUuid: undefined });
  });

  it('survive an error nested a hundred thousand deep', () => {
    const deep = JSON.parse('{"e":'.repeat(100_000) + '1' + '}'.repeat(100_000)) as unknown;
    expect(parseItems([{ sequence_index: 0, error: deep }], asIs)[0]?.error?.message).toContain('nested');
  });

  it.each([[{ items: [] }], [null], ['x'], [[1]], [[null]], [[[]]]])('are refused as %j', (wire) => {
    expect(() => parseItems(wire, asIs)).toThrow(BadAnswer);
  });

  it('come in pages whose cursor may be absent, null, a number or text', () => {
    expect(parseItemPage({ items: [{ item_id: 'a' }], next_cursor: 0 }, asIs).nextCursor).toBe(0);
    expect(parseItemPage({ items: null, next_cursor: 'abc' }, asIs)).toEqual({ entries: [], nextCursor: 'abc' });
    expect(parseItemPage({}, asIs)).toEqual({ entries: [], nextCursor: undefined });
    expect(parseItemPage({ next_cursor: null }, asIs).nextCursor).toBeUndefined();
    expect(() => parseItemPage({ items: {} }, asIs)).toThrow(BadAnswer);
    expect(() => parseItemPage([], asIs)).toThrow(BadAnswer);
  });
});

describe('JSON', () => {
  it.each(['', ' ', '[{"a":1}', '<html></html>', 'unauthorized\n', '{"a":}', '\ufeff'])('is refused as %j', (body) => {
    expect(() => parseJson(answer(body))).toThrow(BadAnswer);
  });

  it('may begin with a byte order mark, but may not be compressed', () => {
    expect(parseJson(answer('\ufeff{"a":1}'))).toEqual({ a: 1 });
    expect(() => parseJson(answer('{}', { 'content-encoding': 'gzip' }))).toThrow(BadAnswer);
  });

  it('of any shape is an answer or a bad answer, never a crash', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const parse of [
          () => parseSummary(value, ID),
          () => parseSummary(value, undefined),
          () => parseItems(value, asIs),
          () => parseItems([value], asIs),
          () => parseItemPage({ items: [value], next_cursor: value }, asIs),
          () => parseBatchPage({ batches: [value], next_cursor: value }),
          () => parseBatchPage(value),
          () => parseSummary({ batch_id: 'b', progress: value, metadata: value, item_count: value }, ID),
          () => parseItems([{ error: value, sequence_index: value }], asIs),
          () => parseProject(value),
          () => parseThreadOwner(value),
        ]) {
          try {
            parse();
          } catch (error) {
            expect(error).toBeInstanceOf(BadAnswer);
          }
        }
      }),
    );
  });
});

describe("the service's words", () => {
  const words = (body: string): string | undefined => serverWords(Buffer.from(body), redactor('k-secret-1')).text;

  it.each([
    ['unauthorized\n', 'unauthorized'],
    ['{"message":"bad request: x","request_id":"r"}', 'bad request: x'],
    ['{"error":{"code":"c","message":"m"}}', 'm'],
    ['{"error":"plain"}', 'plain'],
    ['{"detail":"Not Found"}', 'Not Found'],
    ['{"message":""}', '{"message":""}'],
    ['[1,2]', '[1,2]'],
    ['"text"', 'text'],
    ['{"message":"cut', '{"message":"cut'],
    ['<!doctype html><html><head><title> 502 Bad &amp; Gateway </title>', '502 Bad & Gateway'],
    ['<html><body>x</body></html>', 'an HTML page'],
    ['a\u0000b\u001b[2Jc\r\nd\u2028e', 'a b [2Jc d e'],
    ['the key k-secret-1 is wrong', 'the key [key] is wrong'],
    ['{"message":"k-secret-1k-secret-1"}', '[key][key]'],
    ['', undefined],
    [' \n ', undefined],
  ])('of %j are %j', (body, expected) => {
    expect(words(body)).toBe(expected);
  });

  it('are cut to 500 without halving a character or leaving half a key', () => {
    const long = words(`${'x'.repeat(498)}𝄞${'y'.repeat(100)}`) ?? '';
    expect(long.length).toBeLessThanOrEqual(500);
    expect(long).not.toMatch(/[\ud800-\udbff]$|[\ud800-\udbff](?![\udc00-\udfff])/);
    for (let before = 480; before < 510; before++) {
      expect(words(`${'x'.repeat(before)}k-secret-1${'y'.repeat(50)}`)).not.toContain('k-sec');
    }
    for (let before = 9_980; before < 10_010; before++) {
      expect(words(`x${' '.repeat(before)}k-secret-1`)).not.toContain('k-sec');
    }
  });

  it('carry the number of the request apart, so that equal refusals are equal', () => {
    const body = Buffer.from('{"message":"m","request_id":"93464f7b"}');
    expect(serverWords(body, asIs)).toEqual({ text: 'm', requestId: '93464f7b' });
  });
});
