/** What the input commands share: the mapping, the sources and the mapper made of flags and files. */
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { usageError } from '../errors.js';
import type { MapOutput, RecordFate, Source, SourceRecord } from '../model.js';
import type { Mapping, Mapper } from '../mapping/index.js';
import type { SourceOptions } from '../sources/index.js';
import type { Values } from './options.js';

export interface Inputs {
  readonly sources: readonly Source[];
  readonly mapping: Mapping | undefined;
  readonly mapper: Mapper;
  readonly sourceOptions: SourceOptions;
}

export type SourceNotice = (code: string, message: string, hint?: string) => void;

/** Loads the mapping first (a mistake in it is told before any file is opened), then finds the sources. Throws usageError. */
export async function openInputs(
  args: readonly string[],
  values: Values,
  commands: readonly string[],
  stdin: Readable,
  notice: SourceNotice,
): Promise<Inputs> {
  if (args.length === 0) {
    throw usageError(
      'no-sources',
      'no sources given',
      'name files, folders or patterns, or - for standard input; zep-import --help shows examples',
    );
  }
  refuseMistypedCommand(args[0] ?? '', commands);
  const { loadMapping, wireItemMapper, explainNotWireItem } = await import('../mapping/index.js');
  const mapping = values.mapping === undefined ? undefined : await loadMapping(values.mapping);
  const { discoverSources } = await import('../sources/index.js');
  const sourceOptions = optionsOf(values, mapping, stdin, notice);
  const sources = await discoverSources(args, sourceOptions);
  const destination = {
    ...(values.graph === undefined ? {} : { graphId: values.graph }),
    ...(values.user === undefined ? {} : { userId: values.user }),
    ...(values.thread === undefined ? {} : { threadId: values.thread }),
  };
  const mapper =
    mapping === undefined
      ? firstMustBeWire(wireItemMapper(destination), (value) => explainNotWireItem(value, destination))
      : mapping.compile(destination);
  return { sources, mapping, mapper, sourceOptions };
}

function optionsOf(values: Values, mapping: Mapping | undefined, stdin: Readable, notice: SourceNotice): SourceOptions {
  const source = mapping?.source;
  const format = values.format === 'auto' ? source?.format : values.format;
  const encoding = values.encoding ?? source?.encoding;
  return {
    ...(format === undefined ? {} : { format }),
    ...(source?.csv === undefined ? {} : { csv: source.csv }),
    ...(source?.path === undefined ? {} : { path: source.path }),
    ...(encoding === undefined ? {} : { encoding }),
    maxRecordBytes: values.maxRecordBytes,
    stdin,
    notice,
  };
}

/** Without a mapping the first record tells: rows that are no wire items need one, and that is said once, not a million times. */
function firstMustBeWire(mapper: Mapper, explain: (value: unknown) => string | undefined): Mapper {
  let first = true;
  return {
    notices: () => mapper.notices(),
    map(record: SourceRecord, out: MapOutput): RecordFate {
      if (first) {
        first = false;
        const reason = explain(record.value);
        if (reason !== undefined) {
          throw usageError(
            'no-mapping',
            `these rows are no items for the service as they are, and no mapping was given: ${reason}`,
            'write a mapping file and name it with -m map.yaml; zep-import schema prints its schema',
          );
        }
      }
      return mapper.map(record, out);
    },
  };
}

/** A bare word that is neither a command nor a path is a mistyped command. */
function refuseMistypedCommand(word: string, commands: readonly string[]): void {
  if (!/^[a-z][a-z-]*$/.test(word) || existsSync(word)) return;
  throw usageError('unknown-command', `"${word}" is neither a command nor a file`, nearest(word, commands));
}

function nearest(word: string, commands: readonly string[]): string {
  let best = '';
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const command of commands) {
    const distance = editDistance(word, command);
    if (distance < bestDistance) [best, bestDistance] = [command, distance];
  }
  return bestDistance <= Math.max(2, word.length / 2)
    ? `did you mean ${best}?`
    : 'zep-import --help lists the commands';
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
