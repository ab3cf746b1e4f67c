/** The pictures of the documents, made anew by `npm run pictures` from an import into the local server. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT, workplace } from '../support/cli.js';
import { CHROMIUM, dashboard, go, launch, until, visit } from '../support/dashboard.js';
import { service } from '../support/service.js';

const WANTED = process.env['UPDATE_PICTURES'] === '1';
const MOST_BYTES = 200_000;

function rows(count: number, graphs: string, words: string): string {
  const row = (i: number): string =>
    JSON.stringify({
      type: 'graph_episode',
      graph_id: `${graphs}-${i % 40}`,
      // Some rows are blank, and are rejected.
      data: i % 97 === 13 ? '' : `${words} ${i}`,
      data_type: 'text',
      created_at: '2024-05-01T00:00:00Z',
    });
  return Array.from({ length: count }, (_, i) => `${row(i)}\n`).join('');
}

it.skipIf(CHROMIUM === undefined || !WANTED)('pictures of the dashboard, light and dark', async () => {
  const faults = ['process:*=fail-item,pattern=/(ticket|message|note) [0-9]*77$/'];
  const remote = await service({ processingRate: 300, latencyMs: 8, faults });
  const at = workplace();
  const browser = await launch();
  try {
    at.write('support-tickets.jsonl', rows(1_800, 'account', 'ticket'));
    at.write('chats-2024.jsonl', rows(900, 'chat', 'message'));
    at.write('meeting-notes.jsonl', rows(4_200, 'team', 'note'));
    const flags = [...remote.flags, '--create-missing', 'graphs', '--chunk-size', '50', '--batch-size', '400'];
    const more = ['--concurrency', '4', '--max-errors', 'unlimited', '--progress', 'none', '-q'];
    await at.start(['run', 'support-tickets.jsonl', '--name', 'support-tickets', ...flags, ...more]);
    await at.start(['run', 'chats-2024.jsonl', ...flags, ...more]);
    const { url } = await dashboard(at, ['--api-url', remote.url, '--api-key', 'local']);
    const { page } = await visit(browser, url);
    await page.setViewport({ width: 1200, height: 860 });
    const take = async (name: string, scheme: 'light' | 'dark'): Promise<void> => {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
      const path = join(ROOT, 'docs', 'images', `${name}.png`) as `${string}.png`;
      await page.screenshot({ path });
      expect(statSync(path).size).toBeLessThan(MOST_BYTES);
    };
    await until(page, "document.querySelector('.tiles') !== null");
    const running = at.start(['run', 'meeting-notes.jsonl', '--name', 'meeting-notes', ...flags, ...more]);
    const isHalfway = "parseInt(document.querySelector('.hero.busy .giant')?.textContent ?? '0', 10) >= 55";
    await until(page, isHalfway);
    await take('dashboard-light', 'light');
    await go(page, '#/runs');
    await running;
    await until(page, "document.querySelectorAll('.run-row.bad').length === 3");
    await go(page, `#/run/${String((await remote.batches())[0]?.metadata?.['zi_run'])}`);
    await until(
      page,
      "document.querySelector('.hero .when')?.textContent.includes('took') && document.querySelector('.timeline') !== null",
    );
    await take('dashboard-dark', 'dark');
  } finally {
    await browser.close();
    await at.close();
    await remote.close();
  }
});
