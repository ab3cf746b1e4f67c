/** What the input commands share: the mapping, the sources and the mapper made of flags and files. */
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { distance } from 'fastest-levenshtein';
import { usageError } from '../errors.js';
import type { Observe } from '../events.js';
import {
  documentsMapping,
  explainNotWireItem,
  isDocumentRecord,
  loadMapping,
  presetMapping,
  wireItemMapper,
  type DestinationOverride,
  type Mapper,
  type Mapping,
} from '../mapping/index.js';
import {
  DOCUMENT_KINDS,
  type Item,
  type MapOutput,
  type RecordFate,
  type Source,
  type SourceFormat,
  type SourceRecord,
} from '../model.js';
import { discoverSources, type SourceOptions } from '../sources/index.js';
import type { Io } from './io.js';
import type { Values } from './options.js';
import { settled } from './overruled.js';
import { untilStopped } from './signals.js';
import { refuseIdleSort } from './sorting.js';

export interface Inputs {
  readonly sources: readonly Source[];
  readonly mapping: Mapping | undefined;
  readonly mapper: Mapper;
  readonly sourceOptions: SourceOptions;
}

export type SourceNotice = (code: string, message: string, hint?: string) => void;

/** Before this it is no use to say that a source gives nothing. */
const PATIENCE_MS = 1_000;

/** Waits for the sources to be opened, at most until a stop. A pipe without a writer and a terminal look like a program that hangs: told. */
export async function whenOpened(
  opening: Promise<Inputs>,
  io: Io,
  observe: Observe,
  stop: AbortSignal,
): Promise<Inputs> {
  const hint = io.stdin.isTTY === true ? 'in a terminal, Ctrl-D ends standard input' : undefined;
  const timer = setTimeout(() => {
    const message = 'waiting for the first bytes of a source';
    observe({ type: 'notice', level: 'info', code: 'waiting-for-source', message, hint });
  }, PATIENCE_MS);
  try {
    return await untilStopped(opening, stop);
  } finally {
    clearTimeout(timer);
  }
}

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
      'name files, folders or patterns, or - for standard input; zep-import demo shows a first import, zep-import --help all commands',
    );
  }
  refuseMistypedCommand(args[0] ?? '', commands);
  const mapping = await mappingOf(values);
  refuseIdleSort(values, mapping);
  const mapper = mapperOf(values, mapping);
  const sourceOptions = { ...sourceOptionsOf(values, mapping), stdin, notice };
  const sources = await discoverSources(args, sourceOptions);
  if (mapping === undefined && sources.some(({ info }) => info.format === 'document')) refuseHomeless(values);
  return { sources, mapping, mapper, sourceOptions };
}

/** The mapping that is named, else the one of the preset. Throws usageError. */
export async function mappingOf(values: Values): Promise<Mapping | undefined> {
  if (values.mapping !== undefined) return await loadMapping(values.mapping);
  if (values.preset === undefined) return undefined;
  const mapping = presetMapping(values.preset);
  const isGraph = mapping.itemTypes.has('graph_episode');
  const given = values.user ?? (isGraph ? values.graph : undefined);
  if (given !== undefined || mapping.givesDestination) return mapping;
  throw usageError(
    'no-destination',
    `--preset ${values.preset} needs to know ${isGraph ? 'where the messages go' : 'whose conversations these are'}`,
    isGraph ? 'give --graph ID or --user ID' : 'give --user ID',
  );
}

/** The mapping with the destinations that were given; rows as they are without one. Throws usageError for flags that cannot apply. */
export function mapperOf(values: Values, mapping: Mapping | undefined): Mapper {
  const destination = destinationOf(values, mapping);
  return mapping === undefined
    ? withDocuments(firstMustBeWire(wireItemMapper(destination), destination), destination)
    : mapping.compile(destination);
}

export function destinationOf(values: Values, mapping: Mapping | undefined): DestinationOverride {
  const { graph, user, thread } = settled(values, mapping);
  return {
    ...(graph === undefined ? {} : { graphId: graph }),
    ...(user === undefined ? {} : { userId: user }),
    ...(thread === undefined ? {} : { threadId: thread }),
  };
}

/** Documents need no mapping, but a place to go. */
function refuseHomeless({ graph, user }: Values): void {
  if (graph !== undefined || user !== undefined) return;
  throw usageError(
    'no-destination',
    'the documents have no graph to go to',
    'give --graph ID or --user ID, or a mapping with -m map.yaml',
  );
}

/** Documents by the mapping that is made for them, all else by `rows`. */
function withDocuments(rows: Mapper, destination: DestinationOverride): Mapper {
  let documents: Mapper | undefined;
  return {
    notices: () => [...rows.notices(), ...(documents?.notices() ?? [])],
    map(record: SourceRecord, out: MapOutput): RecordFate {
      const isDocument = record.position.source.format === 'document' || isDocumentRecord(record.value);
      if (!isDocument) return rows.map(record, out);
      documents ??= documentsMapping().compile(destination);
      return documents.map(record, out);
    },
  };
}

/** How the sources are to be read, by flags and mapping. */
export function sourceOptionsOf(given: Values, mapping: Mapping | undefined): SourceOptions {
  const values = settled(given, mapping);
  const source = mapping?.source;
  const named = values.format === 'auto' ? source?.format : values.format;
  const documentKind = DOCUMENT_KINDS.find((kind) => kind === named);
  const format = documentKind === undefined ? (named as SourceFormat | undefined) : 'document';
  const encoding = values.encoding ?? source?.encoding;
  const preset = values.preset ?? source?.preset;
  return {
    ...(preset === undefined ? {} : { preset, includeDms: values.includeDms ?? source?.include_dms }),
    ...(format === undefined ? {} : { format }),
    ...(source?.csv === undefined ? {} : { csv: source.csv }),
    ...(source?.path === undefined ? {} : { path: source.path }),
    ...(encoding === undefined ? {} : { encoding }),
    ...(documentKind === undefined ? {} : { documentKind }),
    maxRecordBytes: values.maxRecordBytes,
    maxDocumentBytes: values.maxDocumentBytes,
    maxDocumentMs: values.maxDocumentSeconds * 1_000,
  };
}

/**
 * Without a mapping the first record tells: rows that are no wire items need one, and flags that cannot apply to it are a mistake. That is said
 * once and before anything is sent, not a million times.
 */
function firstMustBeWire(mapper: Mapper, destination: DestinationOverride): Mapper {
  let first = true;
  return {
    notices: () => mapper.notices(),
    map(record: SourceRecord, out: MapOutput): RecordFate {
      if (!first) return mapper.map(record, out);
      first = false;
      const reason = explainNotWireItem(record.value, destination);
      if (reason !== undefined) {
        throw usageError(
          'no-mapping',
          `these rows are no items for the service as they are, and no mapping was given: ${reason}`,
          'zep-import init FILE guesses a mapping and writes it; name it with -m map.yaml',
        );
      }
      const before = out.items.length;
      const fate = mapper.map(record, out);
      const item = out.items[before];
      if (item !== undefined) refuseIdleFlags(item, destination);
      return fate;
    },
  };
}

/** Rows of both kinds may stand in one input: then each kind may have a flag of its own. */
function refuseIdleFlags({ wire }: Item, { graphId, userId, threadId }: DestinationOverride): void {
  const refuse = (message: string, hint: string): never => {
    throw usageError('bad-destination', message, hint);
  };
  if (wire.type === 'thread_message') {
    if (graphId !== undefined && threadId === undefined) {
      refuse('--graph has no effect: the rows are thread messages', 'leave it out, or give --thread and --user');
    }
    return;
  }
  if (threadId !== undefined) {
    if (graphId === undefined && userId === undefined) {
      refuse('--thread has no effect: the rows are episodes', 'leave it out, or give --graph or --user');
    }
  } else if (graphId !== undefined && userId !== undefined) {
    refuse('an episode goes to a graph or to a user, not to both', 'leave out --graph or --user');
  }
}

/** A bare word that is neither a command nor a path is a mistyped command. */
function refuseMistypedCommand(word: string, commands: readonly string[]): void {
  if (!/^[a-z][a-z-]*$/.test(word) || existsSync(word)) return;
  throw usageError('unknown-command', `"${word}" is neither a command nor a file`, nearest(word, commands));
}

function nearest(word: string, commands: readonly string[]): string {
  const [best = ''] = [...commands].sort((a, b) => distance(word, a) - distance(word, b));
  return distance(word, best) <= Math.max(2, word.length / 2)
    ? `did you mean ${best}?`
    : 'zep-import --help lists the commands';
}
