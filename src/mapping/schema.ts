/**
 * What may stand in a mapping file: the one description that checks files and from which the JSON Schema for editors is made. It knows
 * shapes; what needs more than a look at one value (expressions, dates, combinations) is checked when the mapping is compiled.
 */
import * as z from 'zod';
import { DATA_TYPES, ROLES } from '../wire.js';
import { DATE_FORMATS } from './dates/date-reader.js';
import { DOCUMENT_KINDS, PRESETS } from '../model.js';
import { BOUNDARIES } from './items/split-passages.js';
import { REDACTED_KINDS } from './redaction/kinds.js';

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const text = z.string().min(1);

const from = z
  .union([text, z.array(text).min(1)])
  .describe('Path of the value in the row, or paths of which the first that is there is taken.');
const expr = text.describe('An expression that gives the value.');
const required = z
  .boolean()
  .describe(
    'true: a row without the value is rejected. false: it is not; an item that cannot be without the value is left out silently.',
  );
const valueMap = z.record(z.string(), scalar).describe('What values become. Values are compared as text.');
const zone = text.describe('Time zone of texts that do not say one, e.g. Europe/Lisbon or UTC.');
const format = z
  .union([text, z.array(text).min(1)])
  .describe(
    `Format of the date, or formats tried in order: ${DATE_FORMATS.join(', ')}, or tokens such as dd/MM/yyyy HH:mm.`,
  );

const textObject = z.strictObject({
  from: from.optional(),
  expr: expr.optional(),
  map: valueMap.optional(),
  default: scalar.describe('Taken when the value is missing, or not in the map.').optional(),
  required: required.optional(),
});
const textField = z.union([text, textObject]).describe('A text with {{ expressions }}, or a description of the value.');

const valueObject = z.strictObject({
  ...textObject.shape,
  type: z.enum(['text', 'number', 'boolean']).describe('What the value is turned into.').optional(),
  format: format.optional(),
  zone: zone.optional(),
});
const value = z.union([z.string(), z.number(), z.boolean(), valueObject]);

const dateObject = z.strictObject({
  from: from.optional(),
  expr: expr.optional(),
  format: format.optional(),
  zone: zone.optional(),
  default: text.describe('A date in ISO form, taken when the value is missing.').optional(),
  required: required.optional(),
});
const date = z.union([text, dateObject]);

const when = text.describe('An expression: the item is only made when it is true.');
const oversize = z
  .enum(['split', 'reject', 'truncate'])
  .describe('What becomes of a text that is longer than the service takes. Default: text is split, JSON rejected.');
const split = z.strictObject({
  size: z
    .int()
    .min(50)
    .describe('Characters of a part at most, with what it repeats of the part before. Default: 500.')
    .optional(),
  overlap: z
    .int()
    .min(0)
    .describe('Characters of the end of a part that the next one repeats, at most. Default: a tenth of the size.')
    .optional(),
  at: z
    .array(z.enum(BOUNDARIES))
    .describe('Where a part may begin, best first. Default: all of them; words come last always.')
    .optional(),
});
const splitField = z
  .union([z.boolean(), split])
  .describe('Text longer than `size` becomes several items, for documents. true: the defaults.');
const metadata = z
  .union([text, z.record(z.string(), value)])
  .describe('Up to 10 values that are kept with the item, or one {{ expression }} that gives them.');

const message = z.strictObject({
  type: z.literal('thread_message'),
  when: when.optional(),
  thread_id: textField.describe('The thread the message belongs to.').optional(),
  user_id: textField
    .describe('Owner of the thread: the thread is created for this user, and order is kept in the graph of this user.')
    .optional(),
  role: textField.describe(`Who speaks: ${ROLES.join(', ')}.`),
  name: textField.describe('Name of the speaker, up to 100 characters.').optional(),
  content: textField.describe('What was said.'),
  created_at: date.describe('When it was said.').optional(),
  metadata: metadata.optional(),
  oversize: oversize.optional(),
  split: splitField.optional(),
});

const episode = z.strictObject({
  type: z.literal('graph_episode'),
  when: when.optional(),
  graph_id: textField.describe('The graph the episode belongs to.').optional(),
  user_id: textField.describe('The user to whose graph the episode belongs; instead of graph_id.').optional(),
  data: textField.describe('The episode: text, or a value that is sent as JSON.'),
  data_type: textField
    .describe(`${DATA_TYPES.join(', ')}. Default: json for lists and objects, text for the rest.`)
    .optional(),
  created_at: date.describe('When it happened.').optional(),
  source_description: textField.describe('Where it comes from, up to 500 characters.').optional(),
  document_id: textField.describe('The same for all parts of one document, up to 100 characters.').optional(),
  metadata: metadata.optional(),
  oversize: oversize.optional(),
  split: splitField.optional(),
});

const item = z.discriminatedUnion('type', [message, episode]);

const csv = z.strictObject({
  delimiter: text.describe('Text between cells.').optional(),
  quote: z.string().describe('Character around cells; empty: cells are never quoted.').optional(),
  escape: text.describe('What makes a quote inside a quoted cell literal.').optional(),
  comment: text.describe('Text that begins a comment.').optional(),
  header: z.boolean().describe('Whether the first row names the columns.').optional(),
  columns: z.array(text).min(1).describe('Names of the columns.').optional(),
  empty: z
    .enum(['missing', 'keep'])
    .describe('Whether an empty cell is missing (the default) or an empty text.')
    .optional(),
  ragged: z.enum(['reject', 'allow']).describe('What becomes of rows with fewer cells than columns.').optional(),
  trim: z.boolean().describe('Whether blanks around cells are dropped.').optional(),
});

const source = z.strictObject({
  preset: z.enum(PRESETS).describe('The system that the sources are an export of.').optional(),
  include_dms: z.boolean().describe('Of a Slack export: direct messages too. Default: false.').optional(),
  format: z
    .enum(['jsonl', 'json', 'csv', 'tsv', 'document', ...DOCUMENT_KINDS])
    .describe('Format of the sources; found out when not given.')
    .optional(),
  path: text.describe('Where the array lies inside a JSON document, e.g. data.items.').optional(),
  encoding: text
    .describe('Name of the text encoding of sources without a byte order mark, e.g. windows-1252.')
    .optional(),
  csv: csv.optional(),
});

const redactPattern = z.strictObject({
  pattern: text.describe('A regular expression (RE2 syntax).'),
  name: text
    .describe('What it is called in counts and in the mark that takes its place. Default: redacted.')
    .optional(),
  replace: z.string().describe('What takes its place. Default: the name in brackets.').optional(),
});
const redactRule = z.union([z.enum(REDACTED_KINDS), redactPattern]);

const batch = z.strictObject({
  metadata: z.record(z.string(), z.json()).describe('Kept with every batch at the service.').optional(),
  ignore_roles: z
    .array(z.enum(ROLES))
    .describe('Messages of these roles are stored, but not turned into facts.')
    .optional(),
  strict_ontology: z.boolean().describe('Facts only of the types the project defines.').optional(),
});

const expectation = z.union([
  z.record(z.string(), z.json()),
  z.array(z.record(z.string(), z.json())),
  z.enum(['rejected', 'skipped']),
]);
const example = z.strictObject({
  name: z.string().optional(),
  row: z.json().describe('A record as a source would give it.'),
  expect: expectation.describe('Fields of the item it gives, of each of its items, or its fate.'),
});

export const mappingSchemaOfFile = z
  .strictObject({
    $schema: z.string().describe('For editors.').optional(),
    version: z.literal(1).describe('Version of this format.'),
    source: source.describe('How to read the sources; flags win.').optional(),
    where: text.describe('An expression on the record: only records for which it is true are kept.').optional(),
    each: z
      .union([text, z.array(text).min(1)])
      .describe('Path or expression of a list in the record: each element becomes a row. A list of them is nested.')
      .optional(),
    key: textField.describe('Identity of a row across runs.').optional(),
    item: item.describe('The item made of each row.').optional(),
    items: z.array(item).min(1).describe('Several items made of each row.').optional(),
    oversize: oversize.optional(),
    redact: z
      .array(redactRule)
      .describe('Personal data that is taken out of texts before anything is sent or written down.')
      .optional(),
    sort: z
      .enum(['created_at', 'none'])
      .describe('created_at: items are sent in the order of their time, for sources that are not. --sort wins.')
      .optional(),
    batch: batch.describe('Settings of the batches at the service.').optional(),
    tests: z.array(example).describe('Examples: rows and what they give.').optional(),
  })
  .describe('Mapping file of zep-import: how a row becomes items of the Zep Batch API.');

export type MappingFile = z.infer<typeof mappingSchemaOfFile>;
export type ItemTemplate = z.infer<typeof item>;
export type MessageTemplate = z.infer<typeof message>;
export type EpisodeTemplate = z.infer<typeof episode>;
export type TextField = z.infer<typeof textField>;
export type ValueField = z.infer<typeof value>;
export type DateField = z.infer<typeof date>;
export type Oversize = z.infer<typeof oversize>;
export type SourceSettings = z.infer<typeof source>;
export type RedactRule = z.infer<typeof redactRule>;
export type BatchSettings = z.infer<typeof batch>;

/** JSON Schema (draft 2020-12) of the mapping file, for editors. */
export function mappingSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(mappingSchemaOfFile, { target: 'draft-2020-12', io: 'input', reused: 'ref' });
}

const FIELD_KEYS = {
  text: Object.keys(textObject.shape),
  value: Object.keys(valueObject.shape),
  split: Object.keys(split.shape),
  date: Object.keys(dateObject.shape),
};
const ITEM_KEYS: Readonly<Record<string, readonly string[]>> = {
  thread_message: Object.keys(message.shape),
  graph_episode: Object.keys(episode.shape),
};
const SECTION_KEYS: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(mappingSchemaOfFile.shape),
  source: Object.keys(source.shape),
  'source.csv': Object.keys(csv.shape),
  redact: Object.keys(redactPattern.shape),
  batch: Object.keys(batch.shape),
  tests: Object.keys(example.shape),
};

/** The keys that may stand in the map at a path of a mapping file; `itemType` is the type of the item around it, if there is one. */
export function keysAt(path: readonly (string | number)[], itemType: unknown): readonly string[] {
  const names = path.filter((step) => typeof step === 'string');
  const [head, field, name] = names;
  if (head === 'key') return FIELD_KEYS.text;
  if (head !== 'item' && head !== 'items') return SECTION_KEYS[names.join('.')] ?? [];
  if (field === undefined) return ITEM_KEYS[String(itemType)] ?? ['type'];
  if (field === 'created_at') return FIELD_KEYS.date;
  if (field === 'split') return FIELD_KEYS.split;
  if (field === 'metadata') return name === undefined ? [] : FIELD_KEYS.value;
  return FIELD_KEYS.text;
}
