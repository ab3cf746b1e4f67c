/**
 * Runs of earlier days for tests: a ledger in a state folder that is filled by its own API, beside a real local server that holds what it says, and
 * the commands run in this process on both.
 */
import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { main } from '../../src/cli/main.js';
import { systemClock } from '../../src/clock.js';
import { startLocalServer, type LocalServer, type LocalServerOptions } from '../../src/emulator/index.js';
import { Ledger, type StoredPosition } from '../../src/ledger/ledger.js';
import type { StoredReject } from '../../src/ledger/rejects.js';
import type { NewRun, Totals } from '../../src/ledger/runs.js';
import type { BatchId } from '../../src/model.js';
import type { RemoteApi } from '../../src/remote/api.js';
import { createHttpApi } from '../../src/remote/http-client.js';

export interface Said {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running extends Promise<Said> {
  readonly stdout: PassThrough;
  /** As if the process were sent the signal. */
  signal(name: 'SIGINT' | 'SIGTERM'): void;
  /** Resolves when standard error holds the text. */
  saw(text: string): Promise<void>;
}

export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunFacts extends Partial<NewRun> {
  /** Items of each batch; the content of item n of the run is `row n`. */
  readonly batches?: readonly number[];
  /** Items in one add call [all]. */
  readonly chunk?: number;
  /** What becomes of its batches: processed to the end [`done`], processed, or left as complete drafts. */
  readonly until?: 'done' | 'started' | 'draft';
  readonly state?: 'open' | 'delivered' | 'closed';
  readonly totals?: Totals;
  readonly rejects?: readonly Omit<StoredReject, 'state'>[];
  readonly startedAt?: string;
}

export interface Place {
  readonly state: string;
  readonly server: LocalServer;
  readonly api: RemoteApi;
  readonly ledger: Ledger;
  /** Puts a run into the ledger, and its items into the server. The ids of its batches. */
  past(id: string, facts?: RunFacts): Promise<string[]>;
  /** The command with this state folder, server and key. */
  zep(args: readonly string[], terminal?: Terminal): Running;
  /** The same without any way to a service. */
  offline(args: readonly string[]): Running;
  close(): Promise<void>;
}

export const position = (n: number): StoredPosition => ({
  source: 0,
  ordinal: n,
  line: n + 1,
  byteStart: n * 10,
  byteEnd: n * 10 + 9,
  item: 0,
  part: 0,
});

export const reject = (n: number, over: Partial<StoredReject> = {}): Omit<StoredReject, 'state'> => ({
  ...position(n),
  item: -1,
  no: 0,
  refused: false,
  stage: 'map',
  code: 'missing-field',
  field: undefined,
  message: 'data is missing',
  occurrence: undefined,
  place: { file: 0, offset: 0, length: 0 },
  ...over,
});

export function totals(over: Totals = {}): Totals {
  const none = {
    read: 0,
    mapped: 0,
    skipped: 0,
    rejectedRecords: 0,
    produced: 0,
    known: 0,
    mapRejected: 0,
    misplaced: 0,
  };
  return { ...none, ...over };
}

export function newRun(id: string, over: Partial<NewRun> = {}): NewRun {
  return {
    id,
    key: `key-of-${id}`,
    name: undefined,
    parent: undefined,
    project: 'p',
    host: 'h',
    mapping: 'm',
    mappingPath: undefined,
    keyed: false,
    target: {},
    command: { cwd: '/', sources: ['rows.jsonl'], flags: [] },
    sourceFingerprint: 's',
    staged: false,
    ...over,
  };
}

export async function place(server: LocalServerOptions = {}): Promise<Place> {
  const state = mkdtempSync(join(tmpdir(), 'zi-books-'));
  const local = await startLocalServer({ seed: 1, ...server });
  const ledger = await Ledger.open(join(state, 'ledger.db'));
  const api = createHttpApi({
    baseUrl: local.url,
    apiKey: 'test',
    clock: systemClock,
    connections: 10,
    env: {},
    userAgent: 'test',
  });
  const { uuid: project = '' } = await api.project();
  await api.createGraph('g');
  return {
    state,
    server: local,
    api,
    ledger,
    past: (id, facts) => past(ledger, api, id, { project, ...facts }),
    zep: (args, terminal) =>
      start([...args, '--state-dir', state, '--api-url', local.url, '-k', 'test'], terminal ?? {}),
    offline: (args) => start([...args, '--state-dir', state], {}),
    close: async () => {
      ledger.close();
      await api.close();
      await local.close();
      rmSync(state, { recursive: true, force: true });
    },
  };
}

async function past(ledger: Ledger, api: RemoteApi, id: string, facts: RunFacts): Promise<string[]> {
  const { batches = [], until = 'done', state = 'delivered', chunk = 500 } = facts;
  const items = batches.reduce((sum, n) => sum + n, 0);
  ledger.runs.begin(newRun(id, facts), facts.startedAt ?? '2026-01-02T03:04:05.000Z');
  ledger.runs.putSource(id, {
    index: 0,
    id: 'rows.jsonl',
    path: '/rows.jsonl',
    bytes: 10,
    modifiedMs: 1,
    inode: 1,
    format: 'jsonl',
    compression: 'none',
  });
  const rejects = facts.rejects ?? [];
  ledger.rejects.put(id, rejects);
  const rejectedRecords = rejects.filter(({ item, no }) => item < 0 && no === 0).length;
  const made = totals({ read: items + rejectedRecords, mapped: items, rejectedRecords, produced: items });
  const counted = facts.totals ?? made;
  const place = { source: 0, ordinal: items, line: items + 1, byteStart: 0 };
  ledger.runs.setStand(id, { frontier: { place, totals: counted }, totals: counted, spools: undefined });
  const ids: string[] = [];
  let first = 0;
  for (const [number, size] of batches.entries()) {
    ids.push(await pastBatch(ledger, api, { run: id, number: number + 1, first, size, until, chunk }));
    first += size;
  }
  if (state !== 'open' || until === 'draft') ledger.runs.setComplete(id);
  if (state !== 'open') ledger.runs.setState(id, state);
  return ids;
}

interface BatchFacts {
  readonly run: string;
  readonly number: number;
  readonly first: number;
  readonly size: number;
  readonly until: 'done' | 'started' | 'draft';
  readonly chunk: number;
}

async function pastBatch(ledger: Ledger, api: RemoteApi, facts: BatchFacts): Promise<string> {
  const { run, number, first, size, until } = facts;
  const row = ledger.batches.intend({ run, lane: 0, number, attempt: `a${number}` });
  const { batchId } = await api.createBatch({ metadata: { zi_run: run } });
  ledger.batches.opened(row, batchId);
  for (let index = 0; index < size; index += facts.chunk) {
    await pastChunk(ledger, api, {
      batch: row,
      batchId,
      index,
      from: first + index,
      n: Math.min(facts.chunk, size - index),
    });
  }
  ledger.batches.setState(row, 'closed');
  if (until === 'draft') return batchId;
  ledger.batches.seen(row, (await api.startBatch(batchId)).status, undefined);
  ledger.batches.setState(row, 'started');
  if (until === 'done') await untilDone(api, batchId);
  return batchId;
}

/** `row` is where the first item of the chunk stands in the input. */
export async function pastChunk(
  ledger: Ledger,
  api: RemoteApi,
  { batch, batchId, index, from, n }: { batch: number; batchId: BatchId; index: number; from: number; n: number },
): Promise<void> {
  const rows = Array.from({ length: n }, (_, i) => from + i);
  const chunk = ledger.batches.intendChunk({
    batch,
    first: index,
    items: n,
    digest: 'd',
    positions: rows.map(position),
    last: { source: 0, ordinal: from + n - 1 },
    marks: undefined,
  });
  const items = rows.map((row) => ({ type: 'graph_episode', graph_id: 'g', data: `row ${row}`, data_type: 'text' }));
  const details = await api.addItems(batchId, Buffer.from(JSON.stringify({ items })));
  ledger.batches.chunkAccepted(chunk, { uuids: details.map((detail) => detail.episodeUuid), slots: '' });
}

export async function untilDone(api: RemoteApi, batch: string): Promise<void> {
  for (;;) {
    const { status } = await api.getBatch(batch as BatchId);
    if (status !== 'queued' && status !== 'processing') return;
    await systemClock.sleep(5);
  }
}

function start(args: readonly string[], { env, ...terminal }: Terminal): Running {
  const texts = { stdout: '', stderr: '' };
  const waiting: { readonly text: string; readonly resolve: () => void }[] = [];
  const stream = (name: 'stdout' | 'stderr'): PassThrough => {
    const through = Object.assign(new PassThrough(), terminal);
    through.on('data', (piece: Buffer) => {
      texts[name] += piece.toString();
      for (const each of waiting) if (texts.stderr.includes(each.text)) each.resolve();
    });
    return through;
  };
  const io = Object.assign(new EventEmitter(), {
    argv: ['node', 'zep-import', ...args],
    env: { HOME: '/nonexistent', ...env },
    stdin: new PassThrough(),
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    exitCode: 1,
  });
  const ended = main(io).then(() => ({ code: io.exitCode, ...texts }));
  return Object.assign(ended, {
    stdout: io.stdout,
    signal: (name: 'SIGINT' | 'SIGTERM') => void io.emit(name),
    saw: (text: string) =>
      Promise.race([
        new Promise<void>((resolve) => {
          if (texts.stderr.includes(text)) resolve();
          else waiting.push({ text, resolve });
        }),
        ended.then(({ stderr }) => {
          if (!stderr.includes(text)) throw new Error(`ended without ${text}: ${stderr}`);
        }),
      ]),
  });
}
