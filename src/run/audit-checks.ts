/** The sums of the books, each as two numbers that must be equal. Pure, but for what is read of the ledger. */
import type { StoredBatch } from '../ledger/batches.js';
import type { Ledger } from '../ledger/ledger.js';
import type { StoredRun } from '../ledger/runs.js';
import type { AuditCheck, Verdict } from '../run-report.js';
import type { Proof } from './audit-proof.js';
import { booksOf } from './books-of-run.js';
import type { PositionFacts } from './positions-unique.js';

const NAMED = 5;

/** What was read of the input is all accounted for. */
export function inputChecks(ledger: Ledger, run: StoredRun): AuditCheck[] {
  const { records, items, isFinal } = booksOf(ledger, run);
  const later = whyLater(run);
  const isSettled = isFinal && run.state !== 'closed';
  const listed = ledger.rejects.counts(run.id);
  const produced = { value: items.produced ?? 0, what: 'items produced' };
  const rejectedRows = (records?.rejected ?? 0) + items.rejected;
  return [
    check('records', records === undefined ? later : undefined, {
      left: { value: records?.read ?? 0, what: 'records read' },
      right: {
        value: (records?.mapped ?? 0) + (records?.skipped ?? 0) + (records?.rejected ?? 0),
        what: 'mapped + skipped + rejected',
      },
    }),
    check('items', isSettled ? undefined : later, {
      left: produced,
      right: { value: items.accepted + (items.known ?? 0) + items.rejected, what: 'accepted + known + rejected' },
    }),
    check('rejects', isSettled ? undefined : later, {
      left: { value: rejectedRows, what: 'rows rejected' },
      right: { value: listed.records + listed.items, what: 'listed with their reason' },
    }),
  ];
}

function whyLater({ state, complete }: StoredRun): string {
  if (state === 'closed') return 'the run was given up';
  return complete ? 'no counts are kept of this run' : 'input is left to be read';
}

/** What was accepted is at the service, and the service says what became of it. */
export function serviceChecks(proofs: readonly Proof[], moving: readonly StoredBatch[]): AuditCheck[] {
  const accepted = sum(proofs, ({ batch }) => batch.items);
  const unaccounted = proofs.filter(({ batch, counts }) => batch.items !== sumOf(counts));
  const differing = proofs.filter(({ batch, itemCount }) => itemCount !== batch.items);
  const checks = [
    check(
      'accepted',
      undefined,
      {
        left: { value: accepted, what: 'items accepted' },
        right: {
          value: sum(proofs, ({ counts }) => sumOf(counts)),
          what: 'succeeded + failed + skipped + canceled + open',
        },
      },
      () => named(unaccounted.map(({ batch }) => idOf(batch))),
      unaccounted.length > 0,
    ),
    check(
      'item-count',
      undefined,
      {
        left: { value: accepted, what: 'items in our batches' },
        right: { value: sum(proofs, ({ itemCount }) => itemCount ?? 0), what: "by the service's own count" },
      },
      () => named(differing.map((proof) => differenceOf(proof))),
      differing.length > 0,
    ),
  ];
  if (moving.length === 0) return checks;
  const items = moving.reduce((total, batch) => total + batch.items, 0);
  const unsettled = check('unsettled', 'being filled, made anew, or with an add in doubt', {
    left: { value: items, what: 'items in batches that are not settled' },
    right: { value: 0, what: 'of them can be counted now' },
  });
  return [...checks, unsettled];
}

function differenceOf({ batch, itemCount }: Proof): string {
  return itemCount === undefined
    ? `${idOf(batch)} is gone (${batch.items} items)`
    : `${idOf(batch)} holds ${itemCount}, not ${batch.items}`;
}

/** Every accepted item has one row of its own. */
export function placeChecks(
  facts: PositionFacts,
  held: readonly StoredBatch[],
  ledger: Ledger,
  run: StoredRun,
): AuditCheck[] {
  const accepted = held.reduce((total, batch) => total + batch.items, 0);
  const twice = facts.firstTwice;
  return [
    check(
      'rows',
      undefined,
      {
        left: { value: accepted, what: 'items in the ledger' },
        right: { value: facts.positions, what: 'with the row that they came from' },
      },
      () => named(facts.uneven.map(idOf)),
      facts.uneven.length > 0,
    ),
    check(
      'positions',
      undefined,
      {
        left: { value: facts.positions, what: 'rows of items' },
        right: { value: facts.distinct, what: 'different ones' },
      },
      () => {
        if (twice === undefined) return undefined;
        const source = ledger.runs.sources(run.id).find(({ index }) => index === twice.source)?.id ?? '?';
        return `twice: ${source}:${twice.line}, item ${twice.item + 1}`;
      },
    ),
  ];
}

export function uuidCheck(proofs: readonly Proof[]): AuditCheck {
  return check(
    'uuids',
    undefined,
    {
      left: { value: sum(proofs, ({ uuids }) => uuids.compared), what: 'episode uuids in the ledger' },
      right: { value: sum(proofs, ({ uuids }) => uuids.equal), what: 'the same at the service' },
    },
    () => named(proofs.flatMap(({ batch, uuids }) => uuids.different.map((index) => `${idOf(batch)}[${index}]`))),
  );
}

type Sides = Pick<AuditCheck, 'left' | 'right'>;

/** `later` is why it cannot be judged. `where` names what is wrong; `isWrong` also when the two sums happen to be equal. */
function check(
  code: string,
  later: string | undefined,
  sides: Sides,
  where: () => string | undefined = () => undefined,
  isWrong = false,
): AuditCheck {
  const differs = sides.left.value !== sides.right.value || isWrong;
  const verdict: Verdict = later !== undefined ? 'later' : differs ? 'wrong' : 'ok';
  return { code, verdict, ...sides, detail: later ?? (differs ? where() : undefined) };
}

function named(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const rest = names.length > NAMED ? `, and ${names.length - NAMED} more` : '';
  return `${names.slice(0, NAMED).join(', ')}${rest}`;
}

export function idOf(batch: StoredBatch): string {
  return batch.batchId ?? `batch ${batch.number} of lane ${batch.lane}`;
}

function sum(proofs: readonly Proof[], of: (proof: Proof) => number): number {
  return proofs.reduce((total, proof) => total + of(proof), 0);
}

function sumOf({ succeeded, failed, skipped, canceled, open }: Proof['counts']): number {
  return succeeded + failed + skipped + canceled + open;
}
