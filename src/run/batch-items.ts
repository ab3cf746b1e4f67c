/** The items of one batch as the service lists them, by their index: at most a batch's worth is in memory. */
import type { BatchCounts } from '../events.js';
import type { BatchId } from '../model.js';
import type { BatchApi } from '../remote/api.js';

export interface ListedItem {
  readonly status: string;
  readonly episodeUuid: string | undefined;
  readonly error: string | undefined;
}

export interface ListedItems {
  /** By index, in whatever order the service gave them; holes where it named none. */
  readonly items: readonly (ListedItem | undefined)[];
  /** All that were listed, also those without an index of their own. */
  readonly counts: BatchCounts;
}

export async function listItems(api: BatchApi, batch: string, signal?: AbortSignal): Promise<ListedItems> {
  const items: (ListedItem | undefined)[] = [];
  const counts = { total: 0, succeeded: 0, failed: 0, skipped: 0, canceled: 0 };
  for await (const { index, status, episodeUuid, error } of api.listItems(batch as BatchId, {}, signal)) {
    counts.total += 1;
    if (status === 'succeeded' || status === 'failed' || status === 'skipped' || status === 'canceled') {
      counts[status] += 1;
    }
    if (index !== undefined) items[index] = { status, episodeUuid, error: error?.message };
  }
  return { items, counts };
}
