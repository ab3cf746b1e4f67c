/** The predicate over episode metadata that the episode listings take: groups of comparisons joined by `and` or `or`. */
import { badRequest, invalidJson } from './answer.js';
import { isObject } from './call.js';

export type MetadataPredicate = (metadata: Readonly<Record<string, unknown>>) => boolean;

const MAX_DEPTH = 8;

function compare(operator: string, wanted: unknown): (actual: unknown) => boolean {
  const ordered = (test: (difference: number) => boolean) => (actual: unknown) => {
    if (typeof actual === 'number' && typeof wanted === 'number') return test(actual - wanted);
    if (typeof actual === 'string' && typeof wanted === 'string')
      return test(actual < wanted ? -1 : actual > wanted ? 1 : 0);
    return false;
  };
  switch (operator) {
    case '=':
      return (actual) => actual === wanted;
    case '<>':
      return (actual) => actual !== undefined && actual !== wanted;
    case '>':
      return ordered((difference) => difference > 0);
    case '<':
      return ordered((difference) => difference < 0);
    case '>=':
      return ordered((difference) => difference >= 0);
    case '<=':
      return ordered((difference) => difference <= 0);
    case 'IS NULL':
    case 'is_null':
      return (actual) => actual === undefined || actual === null;
    case 'IS NOT NULL':
      return (actual) => actual !== undefined && actual !== null;
    case 'CONTAINS':
      return (actual) => (Array.isArray(actual) ? actual.includes(wanted) : String(actual).includes(String(wanted)));
    default:
      throw badRequest(`comparison_operator ${operator.slice(0, 40)} is not known`);
  }
}

function compileFilter(value: unknown): MetadataPredicate {
  if (!isObject(value)) throw invalidJson('a metadata filter must be an object');
  const { property_name: name, comparison_operator: operator, property_value: wanted } = value;
  if (typeof name !== 'string' || typeof operator !== 'string') {
    throw badRequest('a metadata filter needs property_name and comparison_operator');
  }
  const test = compare(operator, wanted);
  return (metadata) => test(Object.hasOwn(metadata, name) ? metadata[name] : undefined);
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalidJson(`${name} must be an array`);
  return value;
}

/** Undefined when there is no filter. */
export function compileMetadataFilter(value: unknown, depth = 0): MetadataPredicate | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw invalidJson('episode_metadata_filters must be an object');
  if (depth > MAX_DEPTH) throw badRequest('episode_metadata_filters is nested too deeply');
  if (value.type !== 'and' && value.type !== 'or') throw badRequest('type of a filter group must be and, or');
  const tests = listOf(value.filters, 'filters').map(compileFilter);
  for (const group of listOf(value.groups, 'groups')) {
    const test = compileMetadataFilter(group, depth + 1);
    if (test !== undefined) tests.push(test);
  }
  if (tests.length === 0) return undefined;
  return value.type === 'and'
    ? (metadata) => tests.every((test) => test(metadata))
    : (metadata) => tests.some((test) => test(metadata));
}
