/** Maps rows through a mapping file as a run does, for the tests of this folder. */
import type { AppError } from '../../../src/errors.js';
import { parseMapping, type DestinationOverride, type Mapper } from '../../../src/mapping/index.js';
import type { Item, MapOutput, RecordFate, Rejection, SourceFormat, SourceInfo } from '../../../src/model.js';

export interface Mapped {
  readonly items: readonly Item[];
  readonly rejections: readonly Rejection[];
  readonly fates: readonly RecordFate[];
  readonly notices: readonly string[];
}

export function sourceNamed(id: string, format: SourceFormat = 'jsonl'): SourceInfo {
  return { id, index: 0, format, bytes: 1, compression: 'none' };
}

export function mapWith(mapper: Mapper, rows: readonly unknown[], source = sourceNamed('data/rows.jsonl')): Mapped {
  const out: MapOutput = { items: [], rejections: [] };
  const fates = rows.map((value, ordinal) =>
    mapper.map(
      { kind: 'record', value, position: { source, ordinal, line: ordinal + 1, byteStart: 0, byteEnd: 1 } },
      out,
    ),
  );
  return { ...out, fates, notices: mapper.notices().map(({ message }) => message) };
}

/** Maps rows with a mapping given without its first line. */
export function mapRows(
  mapping: string,
  rows: readonly unknown[],
  options: { readonly override?: DestinationOverride; readonly source?: SourceInfo } = {},
): Mapped {
  return mapWith(
    parseMapping(`version: 1\n${mapping}`, 'map.yaml').compile(options.override ?? {}),
    rows,
    options.source,
  );
}

/** A mapping of one thread message whose content is an expression, and the other lines given. */
export function message(content: string, more = ''): string {
  return `item:
  type: thread_message
  thread_id: t
  role: user
  content: ${JSON.stringify(content)}
${more
  .split('\n')
  .map((line) => `  ${line}`)
  .join('\n')}
`;
}

/** The value of an expression on a row, as metadata keeps it; `null` when it is missing; the rejection's message when there is one. */
export function evaluate(expression: string, row: unknown, source?: SourceInfo): unknown {
  const mapping = `item:
  type: graph_episode
  graph_id: g
  data: { expr: ${JSON.stringify(`{"value": ${expression}}`)} }
`;
  const { items, rejections } = mapRows(mapping, [row], source === undefined ? {} : { source });
  const [rejection] = rejections;
  if (rejection !== undefined) return `rejected: ${rejection.message}`;
  const wire = items[0]?.wire;
  if (wire?.type !== 'graph_episode') return undefined;
  return (JSON.parse(wire.data) as { readonly value: unknown }).value;
}

/** The message of the usage error with which a mapping file is refused. */
export function refusal(text: string, filename = 'map.yaml'): string {
  try {
    parseMapping(text, filename);
  } catch (error) {
    return (error as AppError).message;
  }
  return 'accepted';
}

/** The same for a mapping given without its first line. */
export function refusalOf(mapping: string): string {
  return refusal(`version: 1\n${mapping}`);
}
