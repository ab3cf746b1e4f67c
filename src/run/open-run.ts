/**
 * Which run a command belongs to: the same command goes on with its undelivered run, else it begins a new one. What would change the items of
 * an undelivered run is refused before anything is sent: half an import by one mapping and half by another is nobody's wish.
 */
import { createHash } from 'node:crypto';
import { AppError, usageError } from '../errors.js';
import type { Ledger } from '../ledger/ledger.js';
import type { NewRun, StoredRun, StoredSource } from '../ledger/runs.js';
import type { Source } from '../model.js';

export interface RunRequest extends Omit<NewRun, 'id'> {
  readonly restart: boolean;
  /** Items that the project holds already are not sent again. */
  readonly dedupe: boolean;
  /** Was said what to do about changed content. */
  readonly onChangedGiven: boolean;
}

export type Opening =
  | { readonly kind: 'new' }
  | { readonly kind: 'resume'; readonly run: StoredRun }
  /** An undelivered run is to be given up first. */
  | { readonly kind: 'restart'; readonly run: StoredRun };

/** Identity of an import: its project, and its name or what was typed: sources (absolute, patterns as they are) and the mapping's path. */
export function runKey(
  project: string,
  identity:
    { readonly name: string } | { readonly sources: readonly string[]; readonly mappingPath: string | undefined },
): string {
  const facts =
    'name' in identity ? ['name', identity.name] : ['typed', ...identity.sources, identity.mappingPath ?? ''];
  return createHash('sha256')
    .update(JSON.stringify([project, ...facts]))
    .digest('hex')
    .slice(0, 32);
}

/** What to do for a command. `holds`: something of the latest run is in the project. Throws usageError `mapping-changed`, `target-changed` (an undelivered run), `mapping-changed-since` (marks). */
export function decideRun(latest: StoredRun | undefined, request: RunRequest, holds = true): Opening {
  if (latest === undefined) return { kind: 'new' };
  if (latest.state === 'open') {
    if (request.restart) return { kind: 'restart', run: latest };
    refuseChange(latest, request);
    return { kind: 'resume', run: latest };
  }
  if (holds) refuseUnknownContent(latest, request);
  return { kind: 'new' };
}

/** Whether a run makes the same items of its rows as the command would. */
export function isSameWork(run: StoredRun, request: RunRequest): boolean {
  const names = new Set([...Object.keys(run.target), ...Object.keys(request.target)]);
  return run.mapping === request.mapping && [...names].every((name) => run.target[name] === request.target[name]);
}

const HOW_ON = '--restart begins anew, --name NAME makes it another import';

function refuseChange(latest: StoredRun, request: RunRequest): void {
  if (latest.mapping !== request.mapping) {
    throw usageError(
      'mapping-changed',
      `the mapping ${request.mappingPath ?? '(none)'} is not the one that the unfinished run ${latest.id} began with`,
      `put it back to go on; ${HOW_ON}`,
    );
  }
  const names = new Set([...Object.keys(latest.target), ...Object.keys(request.target)]);
  const changed = [...names].filter((name) => latest.target[name] !== request.target[name]);
  if (changed.length === 0) return;
  const told = changed.map(
    (name) => `--${name} was ${latest.target[name] ?? 'not given'}, is ${request.target[name] ?? 'not given'}`,
  );
  throw usageError(
    'target-changed',
    `the unfinished run ${latest.id} began with other flags: ${told.join('; ')}`,
    `give the same flags to go on; ${HOW_ON}`,
  );
}

/** Without a key, items of another mapping have other identities: every row would be sent a second time. */
function refuseUnknownContent(latest: StoredRun, request: RunRequest): void {
  if (!request.dedupe || request.keyed || request.onChangedGiven) return;
  if (latest.mapping === request.mapping || latest.state !== 'delivered') return;
  throw usageError(
    'mapping-changed-since',
    `the mapping has changed since run ${latest.id}, and it has no key: rows that were imported then cannot be told from new ones, and would be sent again`,
    'give the mapping a key; or say --on-changed send to send what differs, --no-dedupe to send everything',
  );
}

export interface MatchedSources {
  /** By the index that positions of the run carry; those that are gone are absent. */
  readonly sources: readonly (Source | undefined)[];
  /** Those whose content must be read from the beginning to be trusted. */
  readonly touched: ReadonlySet<number>;
}

/**
 * Gives the sources of a command the indexes that the run knows them by; new ones follow behind. Call it before anything is read. Throws
 * AppError `source-changed` when one is missing that is not settled.
 */
export function matchSources(
  ledger: Ledger,
  run: StoredRun,
  sources: readonly Source[],
  renumber: Renumber,
): MatchedSources {
  const stored = ledger.runs.sources(run.id);
  const byName = new Map(stored.map((source) => [nameOf(source), source]));
  const matched: (Source | undefined)[] = stored.map(() => undefined);
  const touched = new Set<number>();
  for (const source of sources) {
    const known = byName.get(source.info.file?.path ?? source.info.id);
    const index = known?.index ?? matched.length;
    renumber(source, index);
    matched[index] = source;
    if (known === undefined) ledger.runs.putSource(run.id, storedSource(source, index));
    else if (!isUntouched(known, source)) touched.add(index);
  }
  for (const { index, id } of stored) {
    if (matched[index] !== undefined || index < (run.frontier?.source ?? 0)) continue;
    throw new AppError(`${id}, a source of the unfinished run ${run.id}, is not there any more`, {
      code: 'source-changed',
      disposition: 'ledger',
      hint: `bring it back to go on; ${HOW_ON}`,
    });
  }
  return { sources: matched, touched };
}

/** Indexes of sources that are not, to the last fact, what they were. */
export function touchedOf(known: readonly StoredSource[], sources: readonly Source[]): ReadonlySet<number> {
  const byIndex = new Map(known.map((source) => [source.index, source]));
  return new Set(
    sources.flatMap((source) => {
      const before = byIndex.get(source.info.index);
      return before?.path !== undefined && !isUntouched(before, source) ? [source.info.index] : [];
    }),
  );
}

/** Changes the index that a source's positions carry; only before it is read. */
export type Renumber = (source: Source, index: number) => void;

export function storedSource({ info }: Source, index: number): StoredSource {
  return {
    index,
    id: info.id,
    path: info.file?.path,
    bytes: info.bytes,
    modifiedMs: info.file?.modifiedMs,
    inode: info.file?.inode,
    format: info.format,
    compression: info.compression,
  };
}

function nameOf({ path, id }: StoredSource): string {
  return path ?? id;
}

function isUntouched(known: StoredSource, { info }: Source): boolean {
  return (
    info.file !== undefined &&
    known.bytes === info.bytes &&
    known.modifiedMs === info.file.modifiedMs &&
    known.inode === info.file.inode
  );
}
