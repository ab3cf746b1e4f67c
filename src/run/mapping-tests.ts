/**
 * The examples of a mapping file: each row is mapped as a source would give it, and what comes out is compared with what the file expects. An
 * expectation names the fields that matter; fields it does not name may be anything.
 */
import { isDeepStrictEqual } from 'node:util';
import type { CheckNotice } from '../check-report.js';
import type { Item, MapOutput, SourceInfo } from '../model.js';
import type { RecordMapper } from './read-items.js';

export interface MappingTest {
  readonly name?: string | undefined;
  readonly row: unknown;
  readonly expect: Fields | readonly Fields[] | 'rejected' | 'skipped';
}

type Fields = Readonly<Record<string, unknown>>;

export interface TestResults {
  readonly passed: number;
  readonly failed: number;
  /** One for each that failed: which, and what differs. */
  readonly notices: readonly CheckNotice[];
}

export function runMappingTests(tests: readonly MappingTest[], mapper: RecordMapper): TestResults {
  const notices: CheckNotice[] = [];
  for (const [index, test] of tests.entries()) {
    const difference = differenceOf(test, mapper, index);
    if (difference === undefined) continue;
    const name = test.name === undefined ? '' : ` "${test.name}"`;
    notices.push({ level: 'warning', code: 'mapping-test', message: `test ${index + 1}${name}: ${difference}` });
  }
  return { passed: tests.length - notices.length, failed: notices.length, notices };
}

/** Undefined when the row gives what is expected. */
function differenceOf({ row, expect }: MappingTest, mapper: RecordMapper, index: number): string | undefined {
  const source: SourceInfo = { id: 'tests', index: 0, format: 'json', bytes: undefined, compression: 'none' };
  const position = { source, ordinal: index, line: index + 1, byteStart: 0, byteEnd: 0 };
  const out: MapOutput = { items: [], rejections: [] };
  const fate = mapper.map({ kind: 'record', value: row, position }, out);
  const [rejection] = out.rejections;
  if (expect === 'rejected' || expect === 'skipped') {
    const isSo = expect === 'rejected' ? rejection !== undefined : fate === 'skipped';
    return isSo ? undefined : `the row is ${fate}, not ${expect}`;
  }
  const wanted = Array.isArray(expect) ? (expect as readonly Fields[]) : [expect as Fields];
  if (out.items.length !== wanted.length) {
    const gives = `the row gives ${out.items.length} ${out.items.length === 1 ? 'item' : 'items'}, not ${wanted.length}`;
    return rejection === undefined ? gives : `${gives}: ${rejection.message}`;
  }
  for (const [at, fields] of wanted.entries()) {
    const item = out.items[at];
    const difference = item === undefined ? undefined : differenceOfItem(item, fields);
    if (difference !== undefined) return wanted.length === 1 ? difference : `item ${at + 1}: ${difference}`;
  }
  return undefined;
}

function differenceOfItem(item: Item, fields: Fields): string | undefined {
  // The owner of a thread is no field of the wire, but one of the mapping.
  const actual: Fields = { ...(item.owner === undefined ? {} : { user_id: item.owner }), ...item.wire };
  for (const [name, expected] of Object.entries(fields)) {
    const value = actual[name];
    if (isSame(value, expected)) continue;
    return `${name} is ${value === undefined ? 'missing' : JSON.stringify(value)}, not ${JSON.stringify(expected)}`;
  }
  return undefined;
}

/** Every field but metadata travels as text: 7 means "7". Null means that the field is not sent. */
function isSame(value: unknown, expected: unknown): boolean {
  if (expected === null) return value === undefined;
  if (typeof value === 'string' && (typeof expected === 'number' || typeof expected === 'boolean')) {
    return value === String(expected);
  }
  return isDeepStrictEqual(value, expected);
}
