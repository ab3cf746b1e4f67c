import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { loadMapping } from '../../../src/mapping/index.js';
import type { MapOutput } from '../../../src/model.js';
import type { WireItem } from '../../../src/wire.js';
import { mapWith, sourceNamed } from './map-rows.js';

const data = process.env['ZEP_IMPORT_TEST_DATA'] ?? join(import.meta.dirname, '../../../../shared/data');
const mappings = join(import.meta.dirname, '../../../fixtures/mappings');

async function mapFolder(folder: string, mapping: string): Promise<MapOutput> {
  const mapper = (await loadMapping(join(mappings, mapping))).compile({});
  const out: MapOutput = { items: [], rejections: [] };
  for (const name of readdirSync(join(data, folder)).sort()) {
    const value = JSON.parse(readFileSync(join(data, folder, name), 'utf8')) as unknown;
    const mapped = mapWith(mapper, Array.isArray(value) ? value : [value], sourceNamed(`${folder}/${name}`, 'json'));
    out.items.push(...mapped.items);
    out.rejections.push(...mapped.rejections);
  }
  return out;
}

const threads = (items: readonly { readonly wire: WireItem }[]): string[] => [
  ...new Set(items.map(({ wire }) => (wire.type === 'thread_message' ? wire.thread_id : ''))),
];

describe.skipIf(!existsSync(data))(
  'the mappings of the package on the data they were written for (skipped without it)',
  () => {
    test('locomo: every turn of every session, dated, sessions in the order of their numbers', async () => {
      const { items, rejections } = await mapFolder('locomo', 'locomo.yaml');
      expect(rejections).toEqual([]);
      expect(items).toHaveLength(5882);
      expect(threads(items.filter(({ owner }) => owner === 'locomo-26')).slice(8, 11)).toEqual([
        'locomo-26-session_9',
        'locomo-26-session_10',
        'locomo-26-session_11',
      ]);
      expect(items[0]).toMatchObject({
        owner: 'locomo-26',
        key: '26-D1:1',
        wire: { thread_id: 'locomo-26-session_1', role: 'user', name: 'Caroline', created_at: '2023-05-08T13:56:00Z' },
      });
      expect(new Set(items.map(({ key }) => key)).size).toBe(5882);
      expect(items.every(({ time }) => time.ms !== undefined && time.ms > Date.UTC(2021, 0, 1))).toBe(true);
      const roles = new Set(items.map(({ wire }) => (wire.type === 'thread_message' ? wire.role : '')));
      expect([...roles].sort()).toEqual(['assistant', 'user']);
    });

    test('sgd: every turn of every dialogue, one thread a dialogue', async () => {
      const { items, rejections } = await mapFolder('schema-guided-dialogue', 'sgd.yaml');
      expect(rejections).toEqual([]);
      expect(items).toHaveLength(9088);
      expect(threads(items)).toHaveLength(512);
      expect(items[1]?.wire).toMatchObject({
        thread_id: 'sgd-1_00000',
        role: 'assistant',
        metadata: { turn: 2, services: ['Restaurants_2'] },
      });
    });

    test('banking77: every question, with its intent', async () => {
      const rows = parse(readFileSync(join(data, 'banking77/train.csv')), { columns: true }) as readonly unknown[];
      const mapper = (await loadMapping(join(mappings, 'banking77.yaml'))).compile({});
      const { items, rejections } = mapWith(mapper, rows, sourceNamed('train.csv', 'csv'));
      expect(rejections).toEqual([]);
      expect(items).toHaveLength(10_003);
      expect(items[0]?.wire).toStrictEqual({
        type: 'graph_episode',
        data: 'I am still waiting on my card?',
        data_type: 'text',
        graph_id: 'banking-questions',
        metadata: { intent: 'card_arrival' },
        source_description: 'Question of a customer of a bank',
      });
    });
  },
);
