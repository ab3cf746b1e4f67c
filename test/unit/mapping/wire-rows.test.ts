import { readFileSync } from 'node:fs';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { explainNotWireItem, wireItemMapper } from '../../../src/mapping/index.js';
import { mapWith } from './map-rows.js';

const message = { thread_id: 't', role: 'user', content: 'c' };
const episode = { graph_id: 'g', data: 'd' };
const wireOf = (row: unknown, override = {}): unknown => mapWith(wireItemMapper(override), [row]).items[0]?.wire;
const reason = (row: unknown): string | undefined => {
  const [rejection] = mapWith(wireItemMapper({}), [row]).rejections;
  return rejection === undefined ? undefined : `${rejection.code}: ${rejection.message}`;
};

describe('rows that are items are sent as they are', () => {
  test('with their type or without', () => {
    expect(wireOf({ ...message, type: 'thread_message' })).toStrictEqual({ type: 'thread_message', ...message });
    expect(wireOf(message)).toStrictEqual({ type: 'thread_message', ...message });
    expect(wireOf(episode)).toStrictEqual({ type: 'graph_episode', data: 'd', data_type: 'text', graph_id: 'g' });
    expect(wireOf({ ...episode, graph_id: undefined, user_id: 'u', data: { a: 1 } })).toStrictEqual({
      type: 'graph_episode',
      data: '{"a":1}',
      data_type: 'json',
      user_id: 'u',
    });
  });

  test('every field of the kind is kept, nulls are dropped', () => {
    const full = {
      type: 'graph_episode',
      data: '{"a":1}',
      data_type: 'json',
      user_id: 'u',
      created_at: '2024-01-01T00:00:00+02:00',
      metadata: { a: 1, b: ['x'] },
      source_description: 's',
      document_id: 'd',
    };
    expect(wireOf({ ...full, graph_id: null, name: null })).toStrictEqual(full);
  });

  test('user_id of a message is the owner of its thread and is not sent', () => {
    const { items } = mapWith(wireItemMapper({}), [{ ...message, user_id: 'u' }]);
    expect(items[0]).toMatchObject({ owner: 'u' });
    expect(items[0]?.wire).not.toHaveProperty('user_id');
  });

  test('ids of the command line set or override the destination', () => {
    expect(wireOf({ role: 'user', content: 'c' }, { threadId: 't1' })).toMatchObject({ thread_id: 't1' });
    expect(wireOf({ data: 'd' }, { graphId: 'g1' })).toMatchObject({ graph_id: 'g1' });
    expect(wireOf(episode, { userId: 'u1' })).toStrictEqual({
      type: 'graph_episode',
      data: 'd',
      data_type: 'text',
      user_id: 'u1',
    });
    expect(mapWith(wireItemMapper({ userId: 'u1' }), [message]).items[0]?.owner).toBe('u1');
    expect(() => wireItemMapper({ graphId: '' })).toThrow('--graph is blank');
  });

  test('text over the limit is split', () => {
    expect(mapWith(wireItemMapper({}), [{ ...message, content: 'x'.repeat(5000) }]).items).toHaveLength(2);
  });
});

describe('rows that are not are rejected by name', () => {
  test.each([
    [{ ...message, contnet: 'x' }, 'unknown-field: a thread_message has no field "contnet": did you mean content?'],
    [{ ...message, graph_id: 'g' }, 'unknown-field: a thread_message has no field "graph_id"'],
    [{ ...episode, role: 'user' }, 'unknown-field: a graph_episode has no field "role"'],
    [{ ...episode, user_id: 'u' }, 'two-destinations'],
    [{ ...message, role: 'bot' }, 'invalid-role'],
    [{ ...message, role: null }, 'a thread_message needs thread_id, role and content, and role is missing'],
    [{ ...message, content: ' ' }, 'blank-text'],
    [{ ...message, content: {} }, 'wrong-type: content is an object, not text'],
    [{ ...message, thread_id: '' }, 'missing-field: thread_id is missing or blank'],
    [{ ...message, created_at: '2024-01-01' }, 'date-format: created_at must be RFC 3339 with an offset'],
    [{ ...message, created_at: 1_700_000_000 }, 'date-format'],
    [{ ...message, metadata: { a: {} } }, 'metadata-nested'],
    [{ ...message, name: 'x'.repeat(101) }, 'too-long'],
    [{ ...episode, data_type: 'json' }, 'invalid-json'],
    [{ ...message, data: 'd' }, 'not-an-item'],
    [{ type: 'fact_triple', data: 'd' }, 'their type is neither thread_message nor graph_episode'],
    [{ ...episode, graph_id: ' ' }, 'missing-field: graph_id is blank'],
    [7, 'not-an-item'],
    [null, 'not-an-item'],
    [[message], 'not-an-item'],
    [JSON.parse('{"__proto__":{"content":"c"},"thread_id":"t","role":"user"}'), 'not-an-item'],
  ])('%j', (row, expected) => {
    expect(reason(row)).toContain(expected);
  });
});

describe('saying what a row lacks', () => {
  test.each([
    [message, undefined],
    [episode, undefined],
    [
      { body: 'x' },
      'a thread_message needs thread_id, role and content, a graph_episode needs data, and these are missing',
    ],
    [{ content: 'c' }, 'a thread_message needs thread_id, role and content, and thread_id and role are missing'],
    [{ data: 'd' }, 'a graph_episode needs data, and graph_id or user_id, and graph_id or user_id is missing'],
    [3, 'a row is a number, and an item is an object'],
  ])('%j', (row, expected) => {
    expect(explainNotWireItem(row)).toBe(expected);
  });

  test('ids of the command line count as there', () => {
    expect(explainNotWireItem({ content: 'c', role: 'user' }, { threadId: 't' })).toBeUndefined();
    expect(explainNotWireItem({ data: 'd' }, { graphId: 'g' })).toBeUndefined();
  });
});

const data = process.env['ZEP_IMPORT_TEST_DATA'] ?? join(import.meta.dirname, '../../../../shared/data');
describe.skipIf(!existsSync(data))('real rows (skipped without the data folder)', () => {
  test.each(['chat_history.jsonl', 'combined_threads.jsonl'])('%s needs no mapping', (name) => {
    const lines = readFileSync(join(data, 'zep-ingest-examples', name), 'utf8')
      .split('\n')
      .filter(Boolean);
    const mapped = mapWith(
      wireItemMapper({}),
      lines.map((line) => JSON.parse(line) as unknown),
    );
    expect(mapped.rejections).toEqual([]);
    expect(mapped.items).toHaveLength(lines.length);
  });
});
