import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DATA, hasData, readFileSource } from './support.js';

const files = (folder: string): string[] => (hasData ? readdirSync(join(DATA, folder)) : []);

describe.skipIf(!hasData)('real inputs (need the data folder)', () => {
  it.each(files('csv-spectrum/csvs'))('csv-spectrum %s gives exactly the expected objects', async (name) => {
    const expected: unknown = JSON.parse(
      readFileSync(join(DATA, 'csv-spectrum/json', name.replace('.csv', '.json')), 'utf8'),
    );
    const outcome = await readFileSource(join(DATA, 'csv-spectrum/csvs', name), { csv: { empty: 'keep' } });
    expect(outcome.rejections).toEqual([]);
    // In this one file the published CSV and JSON disagree about the phone number.
    const correct = name === 'location_coordinates.csv' ? { 'Contact Phone Number': '2095257564' } : {};
    const rows = (Array.isArray(expected) ? expected : [expected]) as readonly object[];
    expect(outcome.values).toEqual(rows.map((row) => ({ ...row, ...correct })));
  });

  it('a CSV with quoted line ends gives every row, and a text for each that is what the file holds', async () => {
    const path = join(DATA, 'banking77/train.csv');
    const bytes = readFileSync(path);
    const outcome = await readFileSource(path);
    expect(outcome.rejections).toEqual([]);
    expect(outcome.records).toHaveLength(10_003);
    expect(outcome.bytesRead).toBe(bytes.length);
    outcome.records.forEach((record, index) => {
      const { byteStart, byteEnd } = record.position;
      expect(bytes.toString('utf8', byteStart, byteEnd)).toBe(outcome.raws[index]);
    });
  });

  it.each(files('schema-guided-dialogue'))('%s gives the elements of its array', async (name) => {
    const path = join(DATA, 'schema-guided-dialogue', name);
    const outcome = await readFileSource(path);
    expect(outcome.rejections).toEqual([]);
    expect(outcome.values).toEqual(JSON.parse(readFileSync(path, 'utf8')));
    expect(outcome.bytesRead).toBe(readFileSync(path).length);
  });

  it.each(files('locomo'))('%s is one record', async (name) => {
    const path = join(DATA, 'locomo', name);
    const outcome = await readFileSource(path);
    expect(outcome.values).toEqual([JSON.parse(readFileSync(path, 'utf8'))]);
  });

  it.each(['chat_history.jsonl', 'combined_threads.jsonl', 'org_chart.json', 'products.json'])(
    'the sample %s is read without a rejection',
    async (name) => {
      const outcome = await readFileSource(join(DATA, 'zep-ingest-examples', name));
      expect(outcome.rejections).toEqual([]);
      expect(outcome.records.length).toBeGreaterThan(0);
    },
  );
});
