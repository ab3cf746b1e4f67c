/** The dashboard without a browser: its real server, beside a real local server and a real ledger, and raw requests as an attacker would make them. */
import { request } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock.js';
import { startDashboard, type Dashboard } from '../../../src/dashboard/index.js';
import type { Frame } from '../../../src/dashboard/view-models.js';
import { Ledger } from '../../../src/ledger/ledger.js';
import { place, type Place } from '../../support/books.js';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface DashboardScene {
  readonly at: Place;
  readonly served: Dashboard;
  readonly token: string;
  /** Calls that were made to the service in all. */
  calls(): number;
  get(path: string, headers?: Record<string, string>, method?: string): Promise<Answer>;
  /** The first frame that fits; leaving the loop closes the tab. */
  frame(query: string, fits?: (frame: Frame) => boolean): Promise<Frame>;
  /** A tab that stays: how many frames it got. */
  tab(query: string): Promise<{ frames(): number; close(): void }>;
  close(): Promise<void>;
}

export async function dashboardScene(...options: Parameters<typeof place>): Promise<DashboardScene> {
  const at = await place(...options);
  const pageFolder = mkdtempSync(join(tmpdir(), 'zi-page-'));
  writeFileSync(join(pageFolder, 'index.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(pageFolder, 'main.js'), 'export {};');
  const project = await at.api.project();
  const served = await startDashboard({
    port: 0,
    clock: systemClock,
    pageFolder,
    commandLine: (words) => ['zep-import', ...words].join(' '),
    openBooks: () => Ledger.open(join(at.state, 'ledger.db')),
    factsOf: async () => ({ isRunning: false, commandLine: (words) => ['zep-import', ...words].join(' ') }),
    folderOf: (run) => join(at.state, 'runs', run),
    connect: async () => ({
      api: at.api,
      project: project.uuid ?? '',
      projectName: project.name ?? '',
      host: 'test',
      isLocal: false,
      callsAMinute: () => undefined,
      close: () => Promise.resolve(),
    }),
  });
  const token = new URL(served.url()).searchParams.get('token') ?? '';
  const tab: DashboardScene['tab'] = async (query) => {
    let frames = 0;
    const control = new AbortController();
    const answer = await fetch(`http://127.0.0.1:${served.port}/api/events?${query}`, {
      headers: { 'x-zep-import-token': token },
      signal: control.signal,
    });
    void (async () => {
      for await (const piece of answer.body ?? []) frames += Buffer.from(piece).toString().split('data: ').length - 1;
    })().catch(() => undefined);
    return { frames: () => frames, close: () => control.abort() };
  };
  return {
    at,
    served,
    token,
    tab,
    calls: () => at.api.stats().total,
    get: (path, headers = {}, method = 'GET') => raw(served.port, path, headers, method),
    async frame(query, fits = () => true) {
      const answer = await fetch(`http://127.0.0.1:${served.port}/api/events?${query}`, {
        headers: { 'x-zep-import-token': token },
      });
      let text = '';
      for await (const piece of answer.body ?? []) {
        text += Buffer.from(piece).toString();
        const events = text.split('\n\n');
        text = events.pop() ?? '';
        for (const event of events) {
          const data = /^data: (.*)$/m.exec(event)?.[1];
          if (data === undefined) continue;
          const frame = JSON.parse(data) as Frame;
          if (!fits(frame)) continue;
          return frame;
        }
      }
      throw new Error('the stream ended');
    },
    async close() {
      await served.close();
      await at.close();
      rmSync(pageFolder, { recursive: true, force: true });
    },
  };
}

/** The path as given: a client that tidies it would hide what is tried. */
function raw(port: number, path: string, headers: Record<string, string>, method: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers }, (answer) => {
      let body = '';
      answer.on('data', (piece: Buffer) => (body += piece.toString()));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
    });
    sent.once('error', reject);
    sent.end();
  });
}
