/**
 * Pages of a batch's items, fetched when somebody looks at them. All tabs share a page; it is fetched again only when the batch has changed since,
 * and not more often than every few seconds. A bounded number of pages is kept.
 */
import type { Clock } from '../clock.js';
import type { BatchId } from '../model.js';
import type { ItemPage } from '../remote/api.js';
import type { Service } from './service.js';

export interface PageWanted {
  readonly batch: string;
  /** Empty for every status. */
  readonly status: string;
  readonly cursor: string | undefined;
  /** Changes with the batch. */
  readonly stand: string;
}

interface Kept {
  readonly stand: string;
  readonly at: number;
  readonly page: Promise<ItemPage>;
}

export const ITEMS_A_PAGE = 50;
const REFRESH_MS = 3_000;
const AFTER_FAILURE_MS = 10_000;
const KEPT = 50;

export class ItemPages {
  readonly #service: Service;
  readonly #clock: Clock;
  readonly #pages = new Map<string, Kept>();

  constructor(service: Service, clock: Clock) {
    this.#service = service;
    this.#clock = clock;
  }

  /** Rejects as the call did, without a new one for a while. */
  get({ batch, status, cursor, stand }: PageWanted): Promise<ItemPage> {
    const key = JSON.stringify([batch, status, cursor]);
    const kept = this.#pages.get(key);
    const ageMs = this.#clock.now() - (kept?.at ?? 0);
    if (kept !== undefined && (kept.stand === stand || ageMs < REFRESH_MS)) return kept.page;
    const filter = {
      limit: ITEMS_A_PAGE,
      ...(status === '' ? {} : { status }),
      ...(cursor === undefined ? {} : { cursor }),
    };
    const page = this.#service.use(({ api }) => api.itemPage(batch as BatchId, filter));
    this.#pages.delete(key);
    this.#pages.set(key, { stand, at: this.#clock.now(), page });
    page.catch(() => this.#forgetLater(key, page));
    for (const old of this.#pages.keys()) {
      if (this.#pages.size <= KEPT) break;
      this.#pages.delete(old);
    }
    return page;
  }

  #forgetLater(key: string, page: Promise<ItemPage>): void {
    void this.#clock.sleep(AFTER_FAILURE_MS).then(() => {
      if (this.#pages.get(key)?.page === page) this.#pages.delete(key);
    });
  }
}
