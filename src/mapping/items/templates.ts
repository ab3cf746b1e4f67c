/** Item templates of a mapping to functions that make items of a row. */
import { usageError } from '../../errors.js';
import { DATA_TYPES, LIMITS, ROLES } from '../../wire.js';
import type { DocumentPath } from '../document/read-document.js';
import { nearest } from '../document/shape-problems.js';
import { compileExpression } from '../expression/compile.js';
import { CallSite } from '../expression/call-site.js';
import { truth } from '../expression/operators.js';
import { compileField, constantField, guarded, redacted, type CompileContext, type Field } from '../fields.js';
import { jsonOf } from '../function-bodies.js';
import { expressionError, rowError, RowError } from '../row-error.js';
import type { EpisodeTemplate, ItemTemplate, MessageTemplate, Oversize, TextField } from '../schema.js';
import type { Scope } from '../scope.js';
import { traced } from '../trace.js';
import type { Emission } from './emission.js';
import { emitEpisode } from './episode.js';
import { compileTime, LEFT_OUT, neededId, neededText, neededValue, optionalText } from './item-fields.js';
import { emitMessage } from './message.js';
import type { Fitting } from './oversize.js';
import { compileSplit } from './split-settings.js';
import { compileMetadata } from './metadata.js';

/** Ids from the command line, which set or override the destination. */
export interface DestinationOverride {
  readonly graphId?: string;
  readonly userId?: string;
  readonly threadId?: string;
}

/** Makes the item of one template; false when the template does not want the row. Throws RowError. */
export type MakeItem = (scope: Scope, emission: Emission) => boolean;

/** The service states no limit for these; longer ones are no ids. */
const ID_CHARACTERS = 1000;

export function compileItem(
  template: ItemTemplate,
  oversize: Oversize | undefined,
  path: DocumentPath,
  context: CompileContext,
  override: DestinationOverride,
): MakeItem {
  const fitting = { oversize: template.oversize ?? oversize, split: compileSplit(template, path, context.problems) };
  const make =
    template.type === 'thread_message'
      ? compileMessage(template, fitting, path, context, override)
      : compileEpisode(template, fitting, path, context, override);
  const when =
    template.when === undefined ? undefined : compileCondition(template.when, [...path, 'when'], 'when', context);
  return (scope, emission) => {
    if (when !== undefined && !when(scope)) return false;
    try {
      make(scope, emission);
      return true;
    } catch (error) {
      if (error === LEFT_OUT) return false;
      throw error;
    }
  };
}

/** Compiles `where` or `when`: an expression that must give true or false; missing is false. */
export function compileCondition(
  text: string,
  path: DocumentPath,
  name: string,
  context: CompileContext,
): (scope: Scope) => boolean {
  const read = guarded(text, path, context.problems, () => compileExpression(text, context.level, context.use));
  const site = new CallSite(name, [text.trim().length > 60 ? `${text.trim().slice(0, 57)}...` : text.trim()]);
  const told = read === undefined ? undefined : traced(read, { name, path, written: text.trim() }, context.trace);
  return (scope) => {
    try {
      return told === undefined ? false : truth(told(scope), scope, site, 0);
    } catch (error) {
      if (error instanceof RowError) error.field ??= name;
      throw error;
    }
  };
}

function optionalField(
  spec: Parameters<typeof compileField>[0] | undefined,
  name: string,
  path: DocumentPath,
  context: CompileContext,
): Field | undefined {
  return spec === undefined ? undefined : compileField(spec, name, [...path, name], context);
}

function overridden(id: string | undefined, field: Field | undefined, name: string): Field | undefined {
  return id === undefined ? field : constantField(name, id);
}

function compileMessage(
  template: MessageTemplate,
  fitting: Fitting,
  path: DocumentPath,
  context: CompileContext,
  override: DestinationOverride,
): (scope: Scope, emission: Emission) => void {
  const { level } = context;
  const field = (name: 'thread_id' | 'user_id' | 'name'): Field | undefined =>
    optionalField(template[name], name, path, context);
  const thread = overridden(override.threadId, field('thread_id'), 'thread_id') ?? constantField('thread_id', '');
  const owner = overridden(override.userId, field('user_id'), 'user_id');
  const role = compileField(template.role, 'role', [...path, 'role'], context);
  checkWords(template.role, ROLES, [...path, 'role'], context);
  const name = redacted(field('name'), context);
  const content = redacted(compileField(template.content, 'content', [...path, 'content'], context), context);
  const time = compileTime(template.created_at, [...path, 'created_at'], context);
  const metadata =
    template.metadata === undefined ? undefined : compileMetadata(template.metadata, [...path, 'metadata'], context);
  return (scope, emission) => {
    const parts = {
      threadId: whole(neededId(thread, scope, level, LIMITS.threadIdCharacters), 'thread_id', context),
      role: neededText(role, scope, level),
      name: optionalText(name, scope, level, LIMITS.nameCharacters),
      content: neededText(content, scope, level),
      time: time(scope),
      metadata: metadata?.(scope),
      owner: whole(optionalText(owner, scope, level, ID_CHARACTERS), 'user_id', context),
    };
    emitMessage(parts, fitting, emission);
  };
}

function compileEpisode(
  template: EpisodeTemplate,
  fitting: Fitting,
  path: DocumentPath,
  context: CompileContext,
  override: DestinationOverride,
): (scope: Scope, emission: Emission) => void {
  const { level, problems } = context;
  const field = (
    name: 'graph_id' | 'user_id' | 'data_type' | 'source_description' | 'document_id',
  ): Field | undefined => optionalField(template[name], name, path, context);
  const [ownGraph, ownUser] = [field('graph_id'), field('user_id')];
  if (ownGraph !== undefined && ownUser !== undefined) {
    problems.addKey(
      path,
      'user_id',
      'an episode goes to a graph or to a user, not to both',
      'leave out graph_id or user_id',
    );
  }
  const isOverridden = override.graphId !== undefined || override.userId !== undefined;
  const graph = isOverridden ? overridden(override.graphId, undefined, 'graph_id') : ownGraph;
  const user =
    isOverridden && override.graphId === undefined ? overridden(override.userId, undefined, 'user_id') : ownUser;
  const data = redacted(compileField(template.data, 'data', [...path, 'data'], context), context);
  const dataType = field('data_type');
  if (template.data_type !== undefined) checkWords(template.data_type, DATA_TYPES, [...path, 'data_type'], context);
  if (dataType?.constant === 'json' && fitting.oversize === 'truncate') {
    problems.add(path, 'JSON cannot be cut off', 'set oversize: split or reject for this item');
  }
  const description = redacted(field('source_description'), context);
  const document = field('document_id');
  const time = compileTime(template.created_at, [...path, 'created_at'], context);
  const metadata =
    template.metadata === undefined ? undefined : compileMetadata(template.metadata, [...path, 'metadata'], context);
  return (scope, emission) => {
    const parts = {
      graphId:
        graph === undefined ? undefined : whole(neededId(graph, scope, level, ID_CHARACTERS), 'graph_id', context),
      userId:
        graph !== undefined || user === undefined
          ? undefined
          : whole(neededId(user, scope, level, ID_CHARACTERS), 'user_id', context),
      data: neededValue(data, scope, level),
      dataType: dataType === undefined ? undefined : optionalText(dataType, scope, level, ID_CHARACTERS),
      time: time(scope),
      metadata: metadata?.(scope),
      sourceDescription: optionalText(description, scope, level, LIMITS.sourceDescriptionCharacters),
      documentId: optionalText(document, scope, level, LIMITS.documentIdCharacters),
    };
    emitEpisode(parts, fitting, emission, (value) => jsonText(value, data, scope));
  };
}

/** Refuses an id that was redacted, in a row that had been written down: it would be another user, graph or thread. */
function whole<T extends string | undefined>(id: T, name: string, { redactor }: CompileContext): T {
  if (id === undefined || redactor?.isMarked(id) !== true) return id;
  throw rowError(
    'map',
    'redacted-id',
    `${name} was redacted when this row was written down: take the row from its source`,
    name,
  );
}

/** Words that stand in the mapping itself and must be one of a few are checked when it is loaded. */
function checkWords(
  spec: TextField,
  choices: readonly string[],
  path: DocumentPath,
  { problems }: CompileContext,
): void {
  const check = (word: string | number | boolean, at: DocumentPath): void => {
    const text = String(word);
    if (choices.includes(text) || text.includes('{{')) return;
    problems.add(
      at,
      `${JSON.stringify(word)} cannot stand here`,
      nearest(text, choices) ?? `one of ${choices.join(', ')}`,
    );
  };
  if (typeof spec === 'string') check(spec, path);
  else {
    if (spec.default !== undefined) check(spec.default, [...path, 'default']);
    for (const [key, word] of Object.entries(spec.map ?? {})) check(word, [...path, 'map', key]);
  }
}

/** Values of the row itself are trees and need no counting; what an expression has made may hold one value many times. */
function jsonText(value: unknown, field: Field, scope: Scope): string {
  return field.isPath ? JSON.stringify(value) : jsonOf(value, scope, expressionError);
}

/** Refuses ids of the command line that could never be sent, and flags that would have no effect. */
export function checkOverride(override: DestinationOverride, items: readonly ItemTemplate[] | undefined): void {
  const { graphId, userId, threadId } = override;
  for (const [flag, id] of Object.entries({ '--graph': graphId, '--user': userId, '--thread': threadId })) {
    if (id?.trim() === '') throw usageError('bad-destination', `${flag} is blank`, `give an id: ${flag} ID`);
  }
  if (threadId !== undefined && [...threadId].length > LIMITS.threadIdCharacters) {
    throw usageError('bad-destination', `--thread is longer than ${LIMITS.threadIdCharacters} characters`);
  }
  if (items === undefined) return;
  const hasEpisodes = items.some((each) => each.type === 'graph_episode');
  const hasMessages = items.some((each) => each.type === 'thread_message');
  if (graphId !== undefined && !hasEpisodes) {
    throw usageError(
      'bad-destination',
      '--graph has no effect: the mapping makes thread messages only',
      'leave it out, or give --thread and --user',
    );
  }
  if (threadId !== undefined && !hasMessages) {
    throw usageError(
      'bad-destination',
      '--thread has no effect: the mapping makes episodes only',
      'leave it out, or give --graph or --user',
    );
  }
  if (graphId !== undefined && userId !== undefined && !hasMessages) {
    throw usageError(
      'bad-destination',
      'an episode goes to a graph or to a user, not to both',
      'leave out --graph or --user',
    );
  }
}
