import { describe, expect, it } from 'vitest';
import { parseMapping } from '../../../src/mapping/index.js';
import { runMappingTests, type MappingTest } from '../../../src/run/mapping-tests.js';

const MAPPING = `
version: 1
where: 'id > 0'
items:
  - { type: thread_message, thread_id: 't-{{ id }}', user_id: u, role: user, content: '{{ text }}', metadata: { n: '{{ id }}' } }
  - { type: graph_episode, when: 'id == 2', graph_id: g, data: '{{ text }}' }
`;

function told(...tests: readonly MappingTest[]): readonly string[] {
  const mapping = parseMapping(MAPPING, 'map.yaml');
  const { passed, failed, notices } = runMappingTests(tests, mapping.compile({}));
  expect(passed + failed).toBe(tests.length);
  return notices.map(({ message }) => message);
}

describe('the tests of a mapping', () => {
  it('compare the fields they name, text with numbers by their text, metadata as it is, null with what is not sent', () => {
    const row = { id: 1, text: 'hi' };
    const expectation = { thread_id: 't-1', user_id: 'u', content: 'hi', metadata: { n: 1 }, name: null };
    expect(told({ row, expect: expectation })).toEqual([]);
    expect(told({ row: { id: 1, text: '7' }, expect: { content: 7 } })).toEqual([]);
    expect(told({ row, expect: { metadata: { n: '1' } } })).toEqual(['test 1: metadata is {"n":1}, not {"n":"1"}']);
    expect(told({ row, expect: { name: 'Ann' } })).toEqual(['test 1: name is missing, not "Ann"']);
  });

  it('know several items of a row, rejected and skipped rows', () => {
    const two = [{ type: 'thread_message' }, { type: 'graph_episode', graph_id: 'g' }];
    expect(
      told(
        { row: { id: 2, text: 'hi' }, expect: two },
        { row: { id: 1 }, expect: 'rejected' },
        { row: { id: 0 }, expect: 'skipped' },
      ),
    ).toEqual([]);
  });

  it('name the test that failed and what differs', () => {
    expect(
      told(
        { row: { id: 1, text: 'hi' }, expect: { role: 'user' } },
        { name: 'late', row: { id: 2, text: 'hi' }, expect: [{}, { graph_id: 'h' }] },
        { row: { id: 1 }, expect: { content: 'hi' } },
        { row: { id: 1, text: 'hi' }, expect: 'skipped' },
      ),
    ).toEqual([
      'test 2 "late": item 2: graph_id is "g", not "h"',
      expect.stringMatching(/^test 3: the row gives 0 items, not 1: .*text/),
      'test 4: the row is mapped, not skipped',
    ]);
  });
});
