/** Graph episodes: what the service takes of them, made of checked parts. Exactly one of graph and user is their destination. */
import type { EventTime } from '../dates/date-reader.js';
import { kindInWords, textOf } from '../expression/values.js';
import { expressionError, rowError } from '../row-error.js';
import { DATA_TYPES, LIMITS, type DataType, type Metadata, type WireEpisode } from '../../wire.js';
import type { Emission } from './emission.js';
import { oneOf } from './item-fields.js';
import { fitJson, fitText, type Fitting } from './oversize.js';

const DATA_TYPE_SET: ReadonlySet<string> = new Set(DATA_TYPES);

export interface EpisodeParts {
  readonly graphId: string | undefined;
  readonly userId: string | undefined;
  /** Text, or any other value, which is sent as JSON. Not null. */
  readonly data: unknown;
  readonly dataType: string | undefined;
  readonly time: EventTime | undefined;
  readonly metadata: Metadata | undefined;
  readonly sourceDescription: string | undefined;
  readonly documentId: string | undefined;
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/**
 * Emits an episode, or its parts when the data is too long: they share everything else, also the document they belong to. `jsonOf`
 * makes the JSON of a list or object. Throws RowError.
 */
export function emitEpisode(
  parts: EpisodeParts,
  fitting: Fitting,
  emission: Emission,
  jsonOf: (value: unknown) => string,
): void {
  const dataType =
    parts.dataType === undefined ? undefined : oneOf<DataType>(parts.dataType, DATA_TYPE_SET, 'data_type');
  const [sent, texts] = dataOf(parts.data, dataType, fitting, emission, jsonOf);
  for (let index = 0; index < texts.length; index++) {
    const wire: Writable<WireEpisode> = { type: 'graph_episode', data: texts[index] ?? '', data_type: sent };
    if (parts.graphId !== undefined) wire.graph_id = parts.graphId;
    else if (parts.userId !== undefined) wire.user_id = parts.userId;
    if (parts.time !== undefined) wire.created_at = parts.time.text;
    if (parts.metadata !== undefined) wire.metadata = parts.metadata;
    if (parts.sourceDescription !== undefined) wire.source_description = parts.sourceDescription;
    if (parts.documentId !== undefined) wire.document_id = parts.documentId;
    emission.emit(wire, undefined, parts.time, texts.length === 1 ? undefined : { index, of: texts.length });
  }
}

function dataOf(
  data: unknown,
  dataType: DataType | undefined,
  fitting: Fitting,
  emission: Emission,
  jsonOf: (value: unknown) => string,
): readonly [DataType, readonly string[]] {
  const limit = LIMITS.episodeCharacters;
  const text = textOf(data);
  if (text === undefined) {
    if (dataType !== undefined && dataType !== 'json') {
      throw expressionError(
        `data is ${kindInWords(data)}, and data_type: ${dataType} needs text: json() makes text of it`,
      );
    }
    return ['json', fitJson(jsonOf(data), data, 'data', limit, fitting.oversize)];
  }
  if (dataType !== 'json') return [dataType ?? 'text', fitText(text, 'data', limit, fitting, emission)];
  return ['json', fitJson(text, parsed(text), 'data', limit, fitting.oversize)];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw rowError(
      'map',
      'invalid-json',
      'data is no JSON, as data_type: json says: leave it out for plain text',
      'data',
    );
  }
}
