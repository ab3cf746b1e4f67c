import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DATA, hasData, readFileSource } from './support.js';

const folder = join(DATA, 'json-test-suite/test_parsing');

describe.skipIf(!hasData)('the JSON parsing test suite (needs the data folder)', () => {
  const files = hasData ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];

  it.each(files.filter((name) => name.startsWith('y_')))('%s is read without a rejection', async (name) => {
    const outcome = await readFileSource(join(folder, name));
    expect(outcome.rejections).toEqual([]);
    expect(outcome.error).toBeUndefined();
    const empty = /array_empty\.json|whitespace_array/.test(name);
    expect(outcome.records.length).toBeGreaterThanOrEqual(empty ? 0 : 1);
  });

  it.each(files.filter((name) => name.startsWith('n_')))('%s is rejected and gives no record', async (name) => {
    const outcome = await readFileSource(join(folder, name));
    expect(outcome.error).toBeUndefined();
    expect(outcome.records).toEqual([]);
    expect(outcome.rejections.length).toBeGreaterThanOrEqual(1);
    expect(outcome.rejections[0]?.position.line).toBeGreaterThanOrEqual(1);
  });

  it.each(files.filter((name) => name.startsWith('i_')))('%s neither crashes nor vanishes', async (name) => {
    const outcome = await readFileSource(join(folder, name));
    expect(outcome.error).toBeUndefined();
    expect(outcome.entries.length).toBeGreaterThanOrEqual(1);
  });
});
