/** The seven calls of the Batch API. Each write is one transaction that is done when the answer is made. */
import { BATCH_STATUSES, ITEM_STATUSES, type WireItemDetail } from '../../wire.js';
import { ApiError, badRequest, conflict, json, notFound, rawJson, type Answer } from '../answer.js';
import { addedDetails, batchSummary, itemDescriber, stateOf } from '../batch-answers.js';
import { bodyObject, pageLimit, param, queryInteger, type Call } from '../call.js';
import type { RouteContext } from '../context.js';
import { STATES } from '../engine/machine.js';
import type { Route } from '../router.js';
import type { Batch, BatchSettings, RunPlan } from '../store/batches.js';
import type { OpenChunk } from '../store/chunks.js';
import { optionalBoolean, optionalObject, optionalRoles } from '../validate-fields.js';
import { parseItems } from '../validate-items.js';

/** How long a batch stays queued before it turns out invalid, when the server is told to find that out late. */
const LATE_CHECK_MS = 1_000;

export function batchRoutes(context: RouteContext): Route[] {
  const on = (handler: (context: RouteContext, call: Call) => Answer | Promise<Answer>) => (call: Call) =>
    handler(context, call);
  return [
    { operation: 'create', method: 'POST', path: '/batches', handler: on(createBatch) },
    { operation: 'list', method: 'GET', path: '/batches', handler: on(listBatches) },
    { operation: 'get', method: 'GET', path: '/batches/:batch', handler: on(getBatch) },
    { operation: 'delete', method: 'DELETE', path: '/batches/:batch', handler: on(deleteBatch) },
    { operation: 'add', method: 'POST', path: '/batches/:batch/items', handler: on(addItems) },
    { operation: 'items', method: 'GET', path: '/batches/:batch/items', handler: on(listItems) },
    { operation: 'process', method: 'POST', path: '/batches/:batch/process', handler: on(processBatch) },
  ];
}

function requireBatch(context: RouteContext, call: Call): Batch {
  const batch = context.store.batches.find(call.project.no, param(call).toLowerCase());
  if (batch === undefined) throw notFound('batch');
  return batch;
}

function createBatch({ store, clock }: RouteContext, call: Call): Answer {
  const body = bodyObject(call, true);
  const metadata = optionalObject(body.metadata, 'metadata');
  const ignoreRoles = optionalRoles(body.ignore_roles, 'ignore_roles');
  const strictOntology = optionalBoolean(body.strict_ontology, 'strict_ontology');
  const settings: BatchSettings = {
    ...(metadata === undefined ? {} : { metadata }),
    ...(ignoreRoles === undefined ? {} : { ignoreRoles }),
    ...(strictOntology === undefined ? {} : { strictOntology }),
  };
  return json(200, batchSummary(store.batches.create(call.project.no, settings, clock.date())));
}

function statusFilter(call: Call, known: readonly string[]): string | undefined {
  const status = call.query.get('status') ?? '';
  if (status === '') return undefined;
  if (!known.includes(status)) throw badRequest(`status must be one of ${known.join(', ')}`);
  return status;
}

function listBatches({ store }: RouteContext, call: Call): Answer {
  const limit = pageLimit(call);
  const status = statusFilter(call, BATCH_STATUSES);
  const cursor = queryInteger(call, 'cursor', 0) ?? 0;
  // No batch has the number 0: as in the listing of items it means the beginning.
  const before = cursor === 0 ? Number.MAX_SAFE_INTEGER : cursor;
  const page = { before, limit: limit + 1, ...(status === undefined ? {} : { status }) };
  const found = store.batches.list(call.project.no, page);
  const batches = found.slice(0, limit);
  const next = found.length > limit ? batches.at(-1)?.no : undefined;
  return json(200, { batches: batches.map(batchSummary), ...(next === undefined ? {} : { next_cursor: next }) });
}

function getBatch(context: RouteContext, call: Call): Answer {
  return json(200, batchSummary(requireBatch(context, call)));
}

function deleteBatch(context: RouteContext, call: Call): Answer {
  const batch = requireBatch(context, call);
  if (batch.status !== 'draft' && batch.status !== 'invalid') {
    throw conflict(`batch is ${batch.status}; only draft and invalid batches can be deleted`);
  }
  context.store.deleteBatch(batch);
  return json(200, { message: `Batch ${batch.uuid} successfully deleted.` });
}

function addItems(context: RouteContext, call: Call): Answer {
  const { store, clock, rules } = context;
  const batch = requireBatch(context, call);
  if (batch.status !== 'draft') throw conflict(`batch is ${batch.status}; items can only be added to a draft`);
  const { items, layout } = parseItems(call.body, rules);
  const itemCount = batch.itemCount + items.length;
  if (itemCount > rules.maxItemsPerBatch) {
    throw badRequest(`batch would hold ${itemCount} items, at most ${rules.maxItemsPerBatch} are allowed`);
  }
  const chunk = store.db.transaction(() => {
    const now = clock.date();
    const added = store.chunks.insert(batch.no, batch.itemCount, layout, call.body, now);
    store.batches.update(batch.no, { itemCount }, now);
    return added;
  });
  context.counters.itemsAdded += items.length;
  return rawJson(200, addedDetails(chunk, items, layout));
}

function listItems(context: RouteContext, call: Call): Answer {
  const { store, processor } = context;
  const batch = requireBatch(context, call);
  const limit = pageLimit(call);
  const wanted = statusFilter(call, ITEM_STATUSES);
  const states = processor.states(batch.no);
  const items: WireItemDetail[] = [];
  const describe = itemDescriber(store, batch);
  let chunk: OpenChunk | undefined;
  let seq = queryInteger(call, 'cursor', 0) ?? 0;
  for (; seq < batch.itemCount && items.length < limit; seq++) {
    const state = stateOf(batch, states, seq);
    if (wanted !== undefined && STATES[state] !== wanted) continue;
    if (chunk === undefined || seq >= chunk.first + chunk.count) chunk = store.chunks.holding(batch.no, seq);
    if (chunk !== undefined) items.push(describe(chunk, seq, state));
  }
  return json(200, { items, ...(seq < batch.itemCount ? { next_cursor: seq } : {}) });
}

async function processBatch(context: RouteContext, call: Call): Promise<Answer> {
  const { store, processor, rules } = context;
  const batch = requireBatch(context, call);
  if (batch.status !== 'draft') throw conflict(`batch is ${batch.status}; it was processed already`);
  if (batch.itemCount === 0) throw badRequest('batch has no items');
  const plan: RunPlan = rules.invalidMode === 'late' ? { checkAfterMs: LATE_CHECK_MS } : {};
  const missing = await processor.handOver(batch, { ...plan, ...call.plan });
  const after = store.batches.byNumber(batch.no);
  if (after === undefined) throw notFound('batch');
  if (after.status === 'invalid' && rules.invalidMode === 'refuse') {
    const names = missing.slice(0, 5).map(({ kind, id }) => `${kind} ${id}`);
    throw new ApiError(400, `bad request: batch contains invalid references: ${names.join(', ')}`);
  }
  return json(200, batchSummary(after));
}
