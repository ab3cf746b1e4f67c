/** The dashboard: a page over batches and runs, served on loopback while it is open somewhere. It only looks. */
import { fileURLToPath } from 'node:url';
import type { Clock } from '../clock.js';
import { PACKAGE_ROOT } from '../package-root.js';
import { readPage } from './page-files.js';
import type { LedgerDeps } from './run-book.js';
import { DashboardServer } from './server.js';
import type { Connect } from './service.js';
import { Views } from './views.js';
import { Watcher } from './watcher.js';

export type { Connection } from './service.js';

export interface DashboardOptions extends LedgerDeps {
  readonly connect: Connect;
  /** 0 for any free one. */
  readonly port: number;
  readonly clock: Clock;
  readonly commandLine: (words: readonly string[]) => string;
  /** Where the page lies; by default in the package. */
  readonly pageFolder?: string;
}

export interface Dashboard {
  readonly port: number;
  /** Tabs that are connected. */
  tabs(): number;
  url(): string;
  urlForOnce(): string;
  /** The client waits before it asks again: said on the page. */
  waits(reason: string, detail: string): void;
  close(): Promise<void>;
}

/** Throws usageError `port-in-use`. Nothing is asked of the service before the first tab is connected. */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { port, clock, commandLine } = options;
  const files = readPage(options.pageFolder ?? fileURLToPath(new URL('dist/dashboard/page/', PACKAGE_ROOT)));
  const watcher = new Watcher(options);
  const views = new Views({ watcher, clock, commandLine });
  const server = await DashboardServer.listen({
    port,
    files,
    clock,
    frame: (question) => views.frame(question),
    onTab: (touch) =>
      watcher.subscribe(() => {
        views.expire();
        touch();
      }),
  });
  return {
    port: server.port,
    tabs: () => server.tabs,
    url: () => server.url(),
    urlForOnce: () => server.urlForOnce(),
    waits: (reason, detail) => watcher.waits(reason, detail),
    async close() {
      await server.close();
      await watcher.close();
    },
  };
}
