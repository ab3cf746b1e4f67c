/**
 * What must be true of a project after imports, whatever happened on the way: pure comparisons that say in words what is wrong. An empty list
 * means that nothing is.
 */
export type Violation = string;

/** Graph by graph (`g:ID`, or `u:ID` for the graph of a user), the contents that must be there, in the order of the input. */
export type Expected = ReadonlyMap<string, readonly string[]>;

export interface Strictness {
  /** Everything must be there; else what is missing may still come. */
  readonly complete: boolean;
  /** The order of the input must be kept. */
  readonly ordered: boolean;
  /** Contents that the run itself said are there more than once. */
  readonly mayRepeat?: boolean;
}

const SHOWN = 3;

/** Compares what one graph holds with what it must hold. */
export function compareGraph(
  key: string,
  expected: readonly string[],
  found: readonly string[],
  { complete, ordered, mayRepeat = false }: Strictness,
): readonly Violation[] {
  const wanted = countsOf(expected);
  const held = countsOf(found);
  const violations: Violation[] = [];
  const say = (what: string, texts: readonly string[]): void => {
    if (texts.length > 0)
      violations.push(`${key}: ${texts.length} ${what}: ${texts.slice(0, SHOWN).map(shortened).join(' | ')}`);
  };
  say(
    'that nobody sent',
    [...held.keys()].filter((text) => !wanted.has(text)),
  );
  if (!mayRepeat) {
    say(
      'more than once',
      [...held].flatMap(([text, n]) => (wanted.has(text) && n > (wanted.get(text) ?? 0) ? [text] : [])),
    );
  }
  if (complete) {
    say(
      'lost',
      [...wanted].flatMap(([text, n]) => ((held.get(text) ?? 0) < n ? [text] : [])),
    );
  }
  if (ordered && !mayRepeat && violations.length === 0) {
    const place = firstOutOfOrder(expected, found);
    if (place !== undefined) violations.push(`${key}: out of order: ${shortened(found[place] ?? '')} at ${place}`);
  }
  return violations;
}

/** The lines of rejects files against the rows that must be in them, each as often as it must be. */
export function compareRejects(expected: readonly string[], told: readonly string[]): readonly Violation[] {
  return compareGraph('rejects', expected, told, { complete: true, ordered: false }).map((text) =>
    text.replace('that nobody sent', 'that need not be there'),
  );
}

/** The books of one summary (ledger.md §6); `complete` when the run says that it finished. */
export function compareBooks(
  records: Readonly<Record<string, number>>,
  items: Readonly<Record<string, number>>,
  complete: boolean,
): readonly Violation[] {
  const of = (from: Readonly<Record<string, number>>, ...names: string[]): number =>
    names.reduce((sum, name) => sum + (from[name] ?? Number.NaN), 0);
  const violations: Violation[] = [];
  if (of(records, 'read') !== of(records, 'mapped', 'skipped', 'rejected')) {
    violations.push(`read is not mapped + skipped + rejected: ${JSON.stringify(records)}`);
  }
  if (complete && of(items, 'produced') !== of(items, 'accepted', 'known', 'rejected')) {
    violations.push(`produced is not accepted + known + rejected: ${JSON.stringify(items)}`);
  }
  if (of(items, 'accepted') !== of(items, 'succeeded', 'failed', 'skipped', 'canceled', 'open')) {
    violations.push(`accepted is not succeeded + failed + skipped + canceled + open: ${JSON.stringify(items)}`);
  }
  return violations;
}

/** The place in `found` of the first content that does not follow the ones before it in `expected`. */
function firstOutOfOrder(expected: readonly string[], found: readonly string[]): number | undefined {
  let at = 0;
  for (const [place, text] of found.entries()) {
    while (at < expected.length && expected[at] !== text) at += 1;
    if (at++ >= expected.length) return place;
  }
  return undefined;
}

function countsOf(texts: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
