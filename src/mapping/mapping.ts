/** A mapping file, compiled: what the rest of the program asks of it, and the mapper made of it. */
import { usageError } from '../errors.js';
import type { WireItem } from '../wire.js';
import { pathText, Problems } from './document/problems.js';
import type { DocumentPath, MappingDocument } from './document/read-document.js';
import { compileField, type CompileContext } from './fields.js';
import { fingerprintOf } from './fingerprint.js';
import { Emission } from './items/emission.js';
import { checkOverride, compileItem, type DestinationOverride } from './items/templates.js';
import { TemplateMapper, type Mapper, type MapperParts } from './mapper.js';
import { Clashes } from './clashes.js';
import type { NameUse } from './names.js';
import { compileRedaction } from './redaction/redactor.js';
import { compileRows } from './rows.js';
import type { Trace, TraceStep } from './trace.js';
import type { BatchSettings, ItemTemplate, MappingFile, Oversize, SourceSettings } from './schema.js';

export interface Mapping {
  readonly version: 1;
  /** How to read the sources, as the file says. */
  readonly source: SourceSettings | undefined;
  /** Settings of the batches at the service. */
  readonly batch: BatchSettings | undefined;
  readonly hasKey: boolean;
  /** How many of the item templates give `created_at`. */
  readonly hasCreatedAt: 'all' | 'some' | 'none';
  /** First names of the paths that are read from the record. */
  readonly columnsUsed: ReadonlySet<string>;
  /** What is read of a record is all in `columnsUsed`: the mapping takes neither rows inside of it nor the record as a whole. */
  readonly readsColumns: boolean;
  /** SHA-256 in hexadecimal digits of what the file means: comments and formatting do not change it. */
  readonly fingerprint: string;
  readonly itemTypes: ReadonlySet<WireItem['type']>;
  /** Every template says where its items go: a graph or user, and for threads their owner. */
  readonly givesDestination: boolean;
  /** Every template of a thread message names the owner of the thread. */
  readonly givesOwner: boolean;
  readonly oversize: Oversize | undefined;
  /** A row as it may be written down, without personal data; undefined when the mapping redacts nothing. `isJson`: it is meant to be JSON. */
  readonly redactRow: ((raw: string, isJson: boolean) => string) | undefined;
  /** The order in which items are sent; undefined: nothing was said of it. */
  readonly sort: MappingFile['sort'];
  /** Examples of the file, unread. */
  readonly tests: NonNullable<MappingFile['tests']>;
  /**
   * The mapper for a run; each one has notices of its own. Throws usage errors: `no-destination` when neither the file nor the
   * overrides say where items go, `bad-destination` for overrides that cannot be used.
   */
  compile(override: DestinationOverride): Mapper;
  /** The same mapper, which tells what it does with each row: for a few rows. `line`: of the mapping file, 1-based. */
  explain(override: DestinationOverride, tell: (step: TraceStep & { readonly line: number }) => void): Mapper;
}

/** Checks and compiles a file of the right shape; mistakes go to `problems`, and nothing is usable when there are any. */
export function compileMapping(file: MappingFile, document: MappingDocument, problems: Problems): Mapping {
  const templates = itemTemplates(file, problems);
  checkBatch(file.batch, problems);
  const columns = new Set<string>();
  compileParts(file, templates, {}, { columns, clashes: new Clashes() }, problems);
  const redactor = compileRedaction(file.redact, new Problems(document));
  const compiled = (override: DestinationOverride, trace: Trace | undefined): Mapper => {
    checkOverride(
      override,
      templates.map(({ template }) => template),
    );
    for (const each of templates) checkDestination(each, override, document);
    const use = { columns: new Set<string>(), clashes: new Clashes() };
    return new TemplateMapper(compileParts(file, templates, override, use, problems, trace));
  };
  const messages = templates.filter(({ template }) => template.type === 'thread_message');
  const dated = templates.filter(({ template }) => template.created_at !== undefined).length;
  if (file.sort === 'created_at' && dated === 0 && templates.length > 0) {
    problems.addKey([], 'sort', 'no item has a created_at to sort by', 'add created_at to the item, or leave sort out');
  }
  return {
    version: 1,
    source: file.source,
    batch: file.batch,
    hasKey: file.key !== undefined,
    hasCreatedAt: dated === 0 ? 'none' : dated === templates.length ? 'all' : 'some',
    columnsUsed: columns,
    readsColumns: file.each === undefined && !/\brow\b(?!\s*[.[])/.test(JSON.stringify({ ...file, tests: undefined })),
    fingerprint: fingerprintOf(file),
    itemTypes: new Set(templates.map(({ template }) => template.type)),
    givesDestination: templates.every(
      ({ template }) => template.user_id !== undefined || ('graph_id' in template && template.graph_id !== undefined),
    ),
    givesOwner: messages.every(({ template }) => template.user_id !== undefined),
    oversize: file.oversize,
    redactRow: redactor === undefined ? undefined : (raw, isJson) => redactor.row(raw, isJson),
    sort: file.sort,
    tests: file.tests ?? [],
    compile: (override) => compiled(override, undefined),
    explain: (override, tell) => compiled(override, (step) => tell({ ...step, line: document.locate(step.path).line })),
  };
}

interface PlacedTemplate {
  readonly template: ItemTemplate;
  readonly path: DocumentPath;
}

function itemTemplates(file: MappingFile, problems: Problems): readonly PlacedTemplate[] {
  if (file.item !== undefined && file.items !== undefined) {
    problems.addKey([], 'items', 'item and items cannot stand together', 'put the item into the list of items');
  }
  if (file.item === undefined && file.items === undefined) {
    problems.add([], 'the mapping makes nothing', 'add item: with type: thread_message or type: graph_episode');
  }
  const several = file.items?.map((template, index) => ({ template, path: ['items', index] }));
  return several ?? (file.item === undefined ? [] : [{ template: file.item, path: ['item'] }]);
}

/** The importer finds its own batches again by metadata of these names. */
function checkBatch(batch: BatchSettings | undefined, problems: Problems): void {
  for (const key of Object.keys(batch?.metadata ?? {})) {
    if (key.startsWith('zi_')) {
      problems.addKey(
        ['batch', 'metadata'],
        key,
        'names that begin with zi_ are kept for the importer',
        'use another name',
      );
    }
  }
}

function compileParts(
  file: MappingFile,
  templates: readonly PlacedTemplate[],
  override: DestinationOverride,
  use: NameUse,
  problems: Problems,
  trace?: Trace,
): MapperParts {
  const rows = compileRows(file.where, file.each, { use, problems, trace });
  const redactor = compileRedaction(file.redact, problems);
  const context: CompileContext = { level: rows.depth, use, problems, redactor, trace };
  return {
    rows,
    key: file.key === undefined ? undefined : compileField(file.key, 'key', ['key'], context),
    items: templates.map(({ template, path }) => compileItem(template, file.oversize, path, context, override)),
    emission: new Emission(redactor),
    redactor,
    clashes: use.clashes,
  };
}

function checkDestination(
  { template, path }: PlacedTemplate,
  override: DestinationOverride,
  document: MappingDocument,
): void {
  const { line, column } = document.locate(path);
  const place = `${document.filename}:${line}:${column} ${pathText(path)}`;
  if (template.type === 'thread_message') {
    if (template.thread_id === undefined && override.threadId === undefined) {
      throw usageError('no-destination', `${place}: the messages have no thread`, 'add thread_id, or give --thread ID');
    }
    return;
  }
  const own = template.graph_id ?? template.user_id ?? override.graphId ?? override.userId;
  if (own === undefined) {
    const hint = 'add graph_id or user_id, or give --graph ID or --user ID';
    throw usageError('no-destination', `${place}: the episodes have no graph`, hint);
  }
}
