/** `batches list|show|items|delete`: the service's own batches, with source rows where the ledger knows them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, usageError } from '../../errors.js';
import { itemOf } from '../../ledger/batches.js';
import { Ledger } from '../../ledger/ledger.js';
import type { BatchId } from '../../model.js';
import { renderTable, type Column } from '../../progress/table.js';
import { jsonLine, printable } from '../../progress/escape.js';
import { chooseWidth } from '../../progress/terminal.js';
import { RemoteError, type BatchSummary } from '../../remote/api.js';
import { EXIT } from '../exit-codes.js';
import { agrees, print, type Io } from '../io.js';
import { pageOf, pageText, type ListPage } from '../list-page.js';
import type { Values } from '../options.js';
import { openSession, type Session } from '../session.js';
import { stateDir } from '../state-dir.js';

async function withSession(values: Values, io: Io, work: (session: Session) => Promise<void>): Promise<void> {
  const session = await openSession(values, io);
  try {
    if (values.quiet !== true && values.output !== 'json') {
      await print(io.stderr, `project ${session.projectName} at ${session.host}, key from ${session.keyOrigin}\n`);
    }
    await work(session);
  } finally {
    await session.close();
  }
}

export async function list(_args: readonly string[], values: Values, io: Io): Promise<void> {
  await withSession(values, io, async ({ api }) => {
    const page = pageOf(values, SHOWN);
    const { found: batches, more } = await partOf(api.listBatches(filterOf(page)), page);
    if (values.output === 'json') {
      await print(io.stdout, jsonLine({ type: 'batches', batches: batches.map(batchJson), more }));
    } else if (batches.length === 0) {
      await print(io.stdout, 'no batches\n');
    } else {
      await print(io.stdout, batchTable(batches, io));
    }
    if (more) await tellMore(page, batches.length, values, io);
    io.exitCode = EXIT.ok;
  });
}

const SHOWN = 1_000;

function filterOf({ status }: ListPage): { readonly status?: string } {
  return status === undefined ? {} : { status };
}

/** A part of a long list, and whether there is more behind it. */
async function partOf<T>(
  all: AsyncIterable<T>,
  { skip, limit }: ListPage,
): Promise<{ readonly found: T[]; readonly more: boolean }> {
  const found: T[] = [];
  let passed = 0;
  for await (const each of all) {
    if (passed++ < skip) continue;
    if (found.length >= limit) return { found, more: true };
    found.push(each);
  }
  return { found, more: false };
}

async function tellMore(page: ListPage, shown: number, values: Values, io: Io): Promise<void> {
  if (values.quiet !== true) await print(io.stderr, pageText(page, shown, 'first'));
}

export async function show(args: readonly string[], values: Values, io: Io): Promise<void> {
  await withSession(values, io, async ({ api }) => {
    const batch = await found(args[0] ?? '', (id) => api.getBatch(id));
    if (values.output === 'json') {
      await print(io.stdout, jsonLine({ type: 'batch', ...batchJson(batch) }));
    } else {
      const rows = Object.entries(batchJson(batch)).filter(([, value]) => value !== undefined);
      await print(
        io.stdout,
        rows
          .map(
            ([name, value]) =>
              `${name.padEnd(16)}${printable(typeof value === 'string' ? value : JSON.stringify(value))}\n`,
          )
          .join(''),
      );
    }
    io.exitCode = EXIT.ok;
  });
}

const LOOKS: Readonly<Record<string, Partial<Column>>> = {
  index: { align: 'right' },
  status: { whole: true },
  source: { whole: true },
};

export async function items(args: readonly string[], values: Values, io: Io): Promise<void> {
  await withSession(values, io, async ({ api }) => {
    const id = args[0] ?? '';
    await found(id, (batch) => api.getBatch(batch));
    const rowOf = await sourceRows(values, io, id);
    const page = pageOf(values, SHOWN);
    const { found: listed, more } = await partOf(api.listItems(id as BatchId, filterOf(page)), page);
    const rows = listed.map((item) => ({
      index: item.index,
      kind: item.kind,
      status: item.status,
      destination: item.threadId ?? item.graphId ?? item.userId,
      episode_uuid: item.episodeUuid,
      source: item.index === undefined ? undefined : rowOf(item.index),
      error: item.error?.message,
      error_code: item.error?.code,
    }));
    if (values.output === 'json') {
      await print(io.stdout, jsonLine({ type: 'batch_items', batch: id, items: rows, more }));
    } else if (rows.length === 0) {
      await print(io.stdout, 'no items\n');
    } else {
      const names = ['index', 'status', 'kind', 'destination', 'source', 'error'] as const;
      await print(
        io.stdout,
        renderTable({
          columns: names.map((name) => ({ title: name, ...LOOKS[name] })),
          rows: rows.map((row) => names.map((name) => String(row[name] ?? ''))),
          width: chooseWidth(io.stdout, io.env),
        }),
      );
    }
    if (more) await tellMore(page, rows.length, values, io);
    io.exitCode = EXIT.ok;
  });
}

export async function remove(args: readonly string[], values: Values, io: Io): Promise<void> {
  const what = args.length === 1 ? 'a batch' : `${args.length} batches`;
  if (values.yes !== true && !(await agrees(`Delete ${what}? This cannot be undone.`, io))) {
    throw usageError('needs-yes', `deleting ${what} cannot be undone`, 'say so with --yes');
  }
  await withSession(values, io, async ({ api }) => {
    const gone: string[] = [];
    const deleted: string[] = [];
    for (const id of args) {
      const was = await found(id, (batch) => api.deleteBatch(batch), true);
      (was === true ? deleted : gone).push(id);
    }
    if (values.output === 'json') {
      await print(io.stdout, jsonLine({ type: 'batches_deleted', deleted, not_found: gone }));
    } else {
      await print(
        io.stdout,
        [...deleted.map((id) => `deleted ${id}\n`), ...gone.map((id) => `not found ${printable(id)}\n`)].join(''),
      );
    }
    io.exitCode = gone.length > 0 ? EXIT.notFound : EXIT.ok;
  });
}

/** Asks for one batch; a missing one is exit 4 with its name, one that cannot be deleted any more is exit 2. */
async function found<T>(id: string, ask: (batch: BatchId) => Promise<T>, deleting = false): Promise<T> {
  try {
    return await ask(id as BatchId);
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    if (error.status === 404) {
      throw new AppError(`no batch ${id} in this project`, {
        code: 'batch-not-found',
        disposition: 'not-found',
        hint: 'zep-import batches list',
        cause: error,
      });
    }
    if (deleting && error.status === 409) {
      throw usageError('not-a-draft', `batch ${id} was processed: only drafts and invalid batches can be deleted`);
    }
    throw error;
  }
}

/** The source row of an item of a batch, from the ledger, when this machine imported it. */
async function sourceRows(values: Values, io: Io, batchId: string): Promise<(index: number) => string | undefined> {
  const path = join(stateDir(values.stateDir, io.env), 'ledger.db');
  if (!existsSync(path)) return () => undefined;
  const ledger = await Ledger.open(path);
  const batch = ledger.batches.byId(batchId);
  if (batch === undefined) {
    ledger.close();
    return () => undefined;
  }
  const sources = new Map(ledger.runs.sources(batch.run).map(({ index, id }) => [index, id]));
  return (index) => {
    const chunk = ledger.batches.chunkOf(batch.row, index);
    const source = chunk === undefined ? undefined : itemOf(chunk, index);
    return source === undefined ? undefined : `${sources.get(source.position.source) ?? '?'}:${source.position.line}`;
  };
}

function batchJson(batch: BatchSummary): Record<string, unknown> {
  const { counts } = batch;
  return {
    batch_id: batch.batchId,
    status: batch.status,
    item_count: batch.itemCount,
    succeeded: counts?.succeeded,
    failed: counts?.failed,
    skipped: counts?.skipped,
    canceled: counts?.canceled,
    percent_complete: counts?.percent,
    run: batch.metadata['zi_run'],
    metadata: batch.metadata,
    created_at: batch.createdAt,
    updated_at: batch.updatedAt,
    processed_at: batch.processedAt,
    completed_at: batch.completedAt,
  };
}

function batchTable(batches: readonly BatchSummary[], io: Io): string {
  return renderTable({
    columns: [
      { title: 'batch', whole: true },
      { title: 'status', whole: true },
      { title: 'items', align: 'right' },
      { title: 'succeeded', align: 'right' },
      { title: 'failed', align: 'right' },
      { title: 'created' },
      { title: 'run' },
    ],
    rows: batches.map((batch) => [
      batch.batchId,
      batch.status,
      String(batch.itemCount ?? ''),
      String(batch.counts?.succeeded ?? ''),
      String(batch.counts?.failed ?? ''),
      minuteOf(batch.createdAt),
      typeof batch.metadata['zi_run'] === 'string' ? batch.metadata['zi_run'] : '',
    ]),
    width: chooseWidth(io.stdout, io.env),
  });
}

/** `2026-11-21 11:04Z`: for people, to whom a millisecond says nothing. */
function minuteOf(time: string | undefined): string {
  return time === undefined ? '' : time.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):[\d.]+Z$/, '$1 $2Z');
}
