/** What the item count of a batch was a while ago: kept only where a fault asks for stale counts, and only for as long as one can ask. */
interface Change {
  readonly at: number;
  readonly count: number;
}

const MAX_BATCHES = 1_000;
const MAX_CHANGES = 1_000;

export class CountHistory {
  private readonly changes = new Map<string, Change[]>();

  /** `count` was the batch's count until `at` (monotonic milliseconds). */
  record(batchId: string, count: number, at: number): void {
    const known = this.changes.get(batchId) ?? [];
    known.push({ at, count });
    if (known.length > MAX_CHANGES) known.shift();
    this.changes.delete(batchId);
    this.changes.set(batchId, known);
    for (const oldest of this.changes.keys()) {
      if (this.changes.size <= MAX_BATCHES) break;
      this.changes.delete(oldest);
    }
  }

  /** The count at a time in the past; undefined when it has not changed since. */
  countAt(batchId: string, at: number): number | undefined {
    return this.changes.get(batchId)?.find((change) => change.at > at)?.count;
  }
}
