/** `init`: looks at the data, guesses a mapping, writes it with the reasons, and shows what it makes. Nothing is sent. */
import { existsSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { usageError } from '../../errors.js';
import { guessMapping, type Guess } from '../../guess/guess.js';
import { writeMapping, type MappingContext } from '../../guess/write-mapping.js';
import {
  DOCUMENTS_MAPPING,
  explainNotWireItem,
  parseMapping,
  PRESET_MAPPINGS,
  type Mapping,
} from '../../mapping/index.js';
import { describePosition, type Item, type MapOutput, type Rejection } from '../../model.js';
import { jsonLine, jsonLines, printable } from '../../progress/escape.js';
import { counted } from '../../progress/format.js';
import { discoverSources, type SourceOptions } from '../../sources/index.js';
import { EXIT } from '../exit-codes.js';
import { sourceOptionsOf } from '../inputs.js';
import { agrees, ask, print, type Io } from '../io.js';
import { quoted } from '../next-command.js';
import type { Values } from '../options.js';
import { sampleOf, type Sample } from './init-sample.js';

const SHOWN = 3;
/** A test holds at most so many characters of a row. */
const TEST_CHARACTERS = 2_000;
/** Halves of characters, and a name that no object keeps, cannot stand in a mapping file. */
const UNWRITABLE = /\\ud[89a-f]|"__proto__":/;

export async function init(args: readonly string[], values: Values, io: Io): Promise<void> {
  if (values.preset !== undefined) return await initPreset(args, values, io);
  if (args.length === 0) {
    throw usageError('no-sources', 'no sources given', 'name a file to look at: zep-import init data.csv');
  }
  const options: SourceOptions = {
    ...sourceOptionsOf(values, undefined),
    stdin: io.stdin,
    notice: (_, message) => void (values.quiet !== true && io.stderr.write(`warning: ${printable(message)}\n`)),
  };
  const sources = await discoverSources(args, options);
  if (sources.every(({ info }) => info.format === 'document')) return await initDocuments(args, values, io);
  const sample = await sampleOf(args, sources, options);
  const file = outOf(args, values);
  const [first] = sample.records;
  if (first === undefined) {
    throw usageError(
      'nothing-to-guess',
      `no record was found in ${args.join(', ')}${whyNone(sample)}`,
      'check the file, or name its --format',
    );
  }
  if (explainNotWireItem(first.value) === undefined) return await tellWireItems(args, values, io);
  const known = presetOf(first.value);
  if (known !== undefined && values.quiet !== true) {
    io.stderr.write(`hint: this looks like what --preset ${known} reads: zep-import init --preset ${known}\n`);
  }
  const guess = await guessed(sample, values, io);
  const context = await contextOf(args, values, io, guess, sample);
  const withoutTests = parseMapping(writeMapping(guess, context), file);
  const text = writeMapping(guess, { ...context, tests: testsOf(withoutTests, sample) });
  const shown = mapped(parseMapping(text, file), sample);
  await write(file, text, values, io);
  await tell({ args, values, io, file, text, guess, sample, ...shown });
}

/** The preset that a record has the form of. */
function presetOf(value: unknown): 'chatgpt' | 'openai-chat' | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if ('mapping' in value && 'current_node' in value) return 'chatgpt';
  const [message] = 'messages' in value && Array.isArray(value.messages) ? (value.messages as unknown[]) : [];
  const isMessage = typeof message === 'object' && message !== null && 'role' in message && 'content' in message;
  return isMessage ? 'openai-chat' : undefined;
}

async function guessed({ records }: Sample, values: Values, io: Io): Promise<Guess> {
  const rows = records.map(({ value }) => value);
  const guess = guessMapping(rows);
  if (guess === undefined) throw nothingFound(rows);
  const [other] = guess.text.others;
  if (other === undefined || guess.isWholeRow || values.yes === true) return guess;
  const answer = await ask(
    `Which column is the text? ${guess.text.column.path} or ${other.path}`,
    guess.text.column.path,
    io,
  );
  return guessMapping(rows, answer) ?? guess;
}

function nothingFound(rows: readonly unknown[]): Error {
  const names = [
    ...new Set(rows.slice(0, 50).flatMap((row) => (typeof row === 'object' && row !== null ? Object.keys(row) : []))),
  ];
  const seen = names.length === 0 ? 'the records are no objects' : `the columns are ${names.slice(0, 20).join(', ')}`;
  return usageError(
    'nothing-to-guess',
    `no column holds text that could be imported: ${seen}`,
    'write a mapping by hand: data: names the column, or "{{ row }}" sends rows as JSON; see docs/mapping.md',
  );
}

/** Where items go, when the data do not tell: asked, else by flag, else a name that can be changed. */
async function contextOf(
  args: readonly string[],
  values: Values,
  io: Io,
  guess: Guess,
  sample: Sample,
): Promise<MappingContext> {
  const placeholder = slugOf(args[0] ?? 'import');
  const isAsked = values.yes !== true && values.graph === undefined && values.user === undefined;
  let { graph, user } = values;
  if (isAsked && guess.kind === 'graph_episode') {
    graph = (await ask('Which graph do the episodes go to? An id', '', io)) || undefined;
  } else if (isAsked && guess.user === undefined) {
    user = (await ask('Whose conversations are these? A user id', '', io)) || undefined;
  }
  return { sources: args, source: sample.source, graph, user, thread: values.thread, placeholder, tests: [] };
}

function slugOf(path: string): string {
  const slug = basename(path)
    .replace(/\..*$/, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '');
  return slug === '' ? 'import' : slug.slice(0, 60);
}

function outOf(args: readonly string[], { out }: Values): string {
  if (out !== undefined) return out;
  const [first = 'data'] = args;
  const name =
    first === '-'
      ? 'stdin'
      : basename(first).replace(/(?<=.)\.(?:jsonl|ndjson|json|csv|tsv|tab|txt)?(?:\.(?:gz|br|zst))?$/i, '');
  return `${name === '' ? 'data' : name}.zep.yaml`;
}

interface Shown {
  readonly items: readonly Item[];
  readonly produced: number;
  readonly rejections: readonly Rejection[];
}

function mapped(mapping: Mapping, { records }: Sample): Shown {
  const mapper = mapping.compile({});
  const all: MapOutput = { items: [], rejections: [] };
  for (const record of records) mapper.map(record, all);
  return { items: all.items.slice(0, SHOWN), produced: all.items.length, rejections: all.rejections };
}

/** The first rows that are mapped and not too long, each with the fields that say what became of it. */
function testsOf(mapping: Mapping, { records, nested }: Sample): MappingContext['tests'] {
  if (nested || mapping.source?.format === 'json') return [];
  const mapper = mapping.compile({});
  for (const record of records.slice(0, 50)) {
    const out: MapOutput = { items: [], rejections: [] };
    mapper.map(record, out);
    const [item] = out.items;
    if (item === undefined || out.items.length > 1 || out.rejections.length > 0) continue;
    const row = JSON.stringify(record.value);
    if (row.length > TEST_CHARACTERS || UNWRITABLE.test(row) || usesPlace(mapping)) continue;
    const { metadata: _, ...fields } = item.wire;
    return [{ row: record.value, expect: fields }];
  }
  return [];
}

/** Examples have no file. */
function usesPlace({ columnsUsed }: Mapping): boolean {
  return columnsUsed.has('source');
}

async function write(file: string, text: string, values: Values, io: Io): Promise<void> {
  if (file === '-') {
    await print(io.stdout, text);
    return;
  }
  if (existsSync(file) && values.yes !== true && !(await agrees(`${file} exists. Overwrite it?`, io))) {
    throw usageError(
      'file-exists',
      `${file} exists already`,
      'name another with --out FILE, or overwrite it with --yes',
    );
  }
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw usageError(
      'cannot-write',
      `${file} cannot be written: ${(error as Error).message}`,
      'name another with --out FILE',
    );
  }
}

interface Told extends Shown {
  readonly args: readonly string[];
  readonly values: Values;
  readonly io: Io;
  readonly file: string;
  readonly text: string;
  readonly guess: Guess;
  readonly sample: Sample;
}

async function tell({ args, values, io, file, guess, sample, items, produced, rejections }: Told): Promise<void> {
  const next = nextOf(args, file);
  io.exitCode = produced > 0 ? EXIT.ok : EXIT.finishedWithErrors;
  if (values.output === 'json' && file !== '-') {
    const { text, id, conversation, user, speaker, role, time } = guess;
    const json = {
      type: 'init',
      mapping: file,
      kind: guess.kind,
      each: guess.shape.each,
      text: guess.isWholeRow ? 'row' : text.column.path,
      id: id?.column.path ?? null,
      thread: conversation?.column.path ?? null,
      user: user?.column.path ?? null,
      speaker: speaker?.column.path ?? null,
      role: role?.column.path ?? null,
      time:
        time === undefined
          ? null
          : { path: time.path, format: time.format, ambiguous: time.otherwise !== undefined && !time.isByOrder },
      sampled: sample.records.length,
      produced,
      rejected: rejections.length + sample.rejected,
      items: items.map(({ wire }) => wire),
      next,
      exit_code: io.exitCode,
    };
    await print(io.stdout, jsonLine(json));
    return;
  }
  if (values.quiet === true || file === '-') return;
  for (const item of items)
    await print(io.stdout, `# ${printable(describePosition(item.position))}\n${jsonLines(item.wire)}`);
  await print(
    io.stderr,
    `${summaryOf({ file, guess, sample, produced, rejections }).join('\n')}\nNext: ${printable(next, 4096)}\n`,
  );
}

function summaryOf({
  file,
  guess,
  sample,
  produced,
  rejections,
}: Pick<Told, 'file' | 'guess' | 'sample' | 'produced' | 'rejections'>): readonly string[] {
  const lines = [
    `Wrote ${file}: ${guess.kind === 'thread_message' ? 'thread messages' : 'episodes'} of ${guess.isWholeRow ? 'whole rows, as JSON' : `the text in ${guess.text.column.path}`}`,
  ];
  if (guess.time === undefined) lines.push('  no column says when: the service dates the items at import time');
  else if (guess.time.otherwise !== undefined && !guess.time.isByOrder) {
    lines.push(
      `  AMBIGUOUS: the dates in ${guess.time.path} are read as ${guess.time.format}; they could be ${guess.time.otherwise}`,
    );
  }
  lines.push(
    `  ${counted(produced, 'item')} from ${counted(sample.records.length, 'record')} that were looked at; nothing was sent`,
  );
  const [first] = rejections;
  if (first !== undefined)
    lines.push(
      `  ${counted(rejections.length, 'rejection')}, first: ${printable(describePosition(first.position))}: ${printable(first.message)}`,
    );
  return lines;
}

function nextOf(args: readonly string[], file: string): string {
  return ['zep-import check', ...args.map(quoted), '-m', quoted(file)].join(' ');
}

function whyNone({ firstProblem }: Sample): string {
  return firstProblem === undefined ? '' : `: ${firstProblem}`;
}

async function tellWireItems(args: readonly string[], values: Values, io: Io): Promise<void> {
  const next = ['zep-import check', ...args.map(quoted)].join(' ');
  io.exitCode = EXIT.ok;
  if (values.output === 'json') {
    await print(io.stdout, jsonLine({ type: 'init', mapping: null, reason: 'wire-items', next, exit_code: 0 }));
  } else if (values.quiet !== true) {
    await print(
      io.stderr,
      `These rows are items of the service as they are: they need no mapping, and none was written.\nNext: ${printable(next, 4096)}\n`,
    );
  }
}

/** Documents need no mapping: what is written is the one that is used without. */
async function initDocuments(args: readonly string[], values: Values, io: Io): Promise<void> {
  const place =
    values.user !== undefined && values.graph === undefined
      ? `user_id: ${JSON.stringify(values.user)}`
      : `graph_id: ${JSON.stringify(values.graph ?? slugOf(args[0] ?? 'documents'))}`;
  const text = DOCUMENTS_MAPPING.replaceAll('  - type: graph_episode\n', `  - type: graph_episode\n    ${place}\n`);
  await writeKnown(args, text, values, io, 'the mapping that documents have without one, to be changed');
}

async function initPreset(args: readonly string[], values: Values, io: Io): Promise<void> {
  const { preset } = values;
  if (preset === undefined) return;
  await writeKnown(
    args,
    PRESET_MAPPINGS[preset],
    { ...values, out: values.out ?? `${preset}.zep.yaml` },
    io,
    `the mapping of the preset ${preset}`,
  );
}

async function writeKnown(args: readonly string[], text: string, values: Values, io: Io, what: string): Promise<void> {
  const file = outOf(args, values);
  parseMapping(text, file);
  await write(file, text, values, io);
  io.exitCode = EXIT.ok;
  const next = nextOf(args.length === 0 ? ['EXPORT'] : args, file);
  if (values.output === 'json' && file !== '-') {
    await print(io.stdout, jsonLine({ type: 'init', mapping: file, next, exit_code: 0 }));
  } else if (values.quiet !== true && file !== '-') {
    await print(io.stderr, `Wrote ${file}: ${what}; nothing was sent\nNext: ${printable(next, 4096)}\n`);
  }
}
