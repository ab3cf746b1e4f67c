/** What the routes work with: the store, the background work, the clock and the rules in force. */
import type { Clock } from '../clock.js';
import type { Processor } from './engine/processor.js';
import type { Store } from './store/store.js';
import type { ItemRules } from './validate-items.js';

/** How the server says that a batch names a destination that does not exist. */
export type InvalidMode = 'at-once' | 'late' | 'refuse';

export interface ServerRules extends ItemRules {
  readonly maxItemsPerBatch: number;
  readonly invalidMode: InvalidMode;
}

export interface RouteContext {
  readonly store: Store;
  readonly processor: Processor;
  readonly clock: Clock;
  readonly rules: ServerRules;
  readonly counters: { itemsAdded: number };
}
