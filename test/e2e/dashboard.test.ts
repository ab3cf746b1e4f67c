import type { Browser } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { wireLines, workplace, type Workplace } from '../support/cli.js';
import { ask, CHROMIUM, dashboard, go, launch, leastGap, until, visit } from '../support/dashboard.js';
import { service, type Service } from '../support/service.js';

if (CHROMIUM === undefined) console.warn('no Chromium on this machine: the dashboard is not tried in a browser');

const closing: (() => Promise<unknown>)[] = [];
let browser: Browser;
beforeAll(async () => {
  if (CHROMIUM !== undefined) browser = await launch();
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(async () => {
  await browser?.close();
});

interface Scene {
  readonly at: Workplace;
  readonly remote: Service;
}

async function scene(options: Parameters<typeof service>[0] = {}): Promise<Scene> {
  const remote = await service(options);
  const at = workplace();
  closing.push(
    () => remote.close(),
    () => at.close(),
  );
  return { at, remote };
}

async function open(at: Workplace, flags: readonly string[]): Promise<Awaited<ReturnType<typeof visit>>> {
  const { url } = await dashboard(at, flags);
  const seen = await visit(browser, url);
  closing.push(() => seen.page.close());
  return seen;
}

const IMPORT = ['rows.jsonl', '--create-missing', 'graphs', '--progress', 'none', '-q'];
const PERCENT = "parseInt(document.querySelector('.hero .giant')?.textContent ?? '', 10)";

describe.skipIf(CHROMIUM === undefined)('the dashboard in a browser', () => {
  it('shows an import while it happens: the bar moves without a reload, and nothing is asked more than once a second', async () => {
    const { at, remote } = await scene({ processingRate: 200 });
    at.write('rows.jsonl', wireLines(350));
    const { page, faults, asked } = await open(at, remote.flags);
    await until(page, "document.querySelector('.empty code')?.textContent.startsWith('zep-import run ')");
    expect(await ask(page, 'location.search')).toBe('');
    await ask(page, 'window.isSamePage = true');

    const running = at.start(['run', ...IMPORT, ...remote.flags]);
    await until(
      page,
      "document.querySelector('.hero .part.open') !== null && document.querySelector('.bar.moving') !== null",
    );
    await until(page, `${PERCENT} > 0 && ${PERCENT} < 100`);
    const early = await ask<number>(page, PERCENT);
    await until(page, `${PERCENT} > ${early}`);
    await running;
    await until(page, "document.querySelector('.hero .chip')?.textContent.includes('done')");
    expect(await ask(page, PERCENT)).toBe(100);
    expect(await ask(page, "document.querySelector('#live').textContent")).toBe('All batches are processed.');

    expect(await ask(page, 'window.isSamePage')).toBe(true);
    expect(await asked()).toHaveLength(1);
    expect(faults).toEqual([]);
    const answers = await ask<string>(page, "fetch('/').then((answer) => answer.text())");
    expect(answers).not.toContain('k_test-4711');
  });

  it('names the source row of an item that failed, groups what was rejected, and works by keyboard alone', async () => {
    const { at, remote } = await scene({ faults: ['process:*=fail-item,pattern=/row 3$/'] });
    const bad = '{"type":"graph_episode","graph_id":"g","data":"","data_type":"text"}\n';
    at.write('rows.jsonl', wireLines(60) + bad + bad);
    await at.start(['run', ...IMPORT, ...remote.flags, '--batch-size', '20', '--concurrency', '1', '--name', 'kept']);
    const { page, faults, asked } = await open(at, remote.flags);
    const has = (text: string): string => `document.querySelector('#main').innerText.includes(${JSON.stringify(text)})`;
    await until(page, has('kept'));

    await page.keyboard.press('/');
    await until(page, "document.activeElement.id === 'filter'");
    await until(page, "document.querySelectorAll('.batch-row[data-id]').length === 3");
    await page.keyboard.type('partial');
    await until(
      page,
      "location.hash === '#/batches?q=partial' && document.querySelectorAll('.batch-row[data-id]').length === 1",
    );
    await page.keyboard.press('ArrowDown');
    const batch = await ask<string>(page, 'document.activeElement.dataset.id');
    await page.keyboard.press('Enter');
    await until(page, has('rows.jsonl:4'));
    expect(await ask(page, has(batch))).toBe(true);
    expect(await ask(page, has('processing_failed'))).toBe(true);
    await page.keyboard.press('Escape');
    await until(page, `document.activeElement.dataset?.id === ${JSON.stringify(batch)}`);

    await page.keyboard.press('3');
    await until(page, "location.hash === '#/runs' && document.querySelector('.run-row[data-id]') !== null");
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await until(page, has('first: rows.jsonl:61'));
    expect(await ask(page, "document.querySelector('.error-row .num').textContent")).toBe('2');
    expect(await ask(page, has('first: rows.jsonl:4'))).toBe(true);
    expect(await ask(page, has('zep-import retry'))).toBe(true);
    expect(await ask(page, has('reject-reasons.jsonl'))).toBe(true);
    expect(await ask(page, "document.querySelectorAll('.lane').length")).toBe(3);
    await page.keyboard.press('?');
    expect(await ask(page, "document.querySelector('#help').open")).toBe(true);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await until(page, "location.hash === '#/runs'");

    expect(leastGap(await asked())).toBeGreaterThan(990);
    expect(faults).toEqual([]);
  });

  it('fits 360 pixels in every view whatever names hold, which stay text; follows dark and light; stands still where asked', async () => {
    const { at, remote } = await scene({ faults: ['process:*=fail-item,pattern=/row 3$/'] });
    const name = `<img src=x onerror=document.title=1>${'-and-a-very-long-name'.repeat(6)}.jsonl`;
    at.write(name, wireLines(40, `<script>document.title=2</script>${'-and-a-very-long-name'.repeat(6)}`));
    await at.start(['run', ...IMPORT.slice(1), ...remote.flags, '--batch-size', '20', '--', name]);
    const { page, faults } = await open(at, remote.flags);
    await page.setViewport({ width: 360, height: 740 });
    await until(page, `document.querySelector('.hero-title')?.textContent === ${JSON.stringify(name)}`);
    const [batch] = await remote.batches();
    const run = String(batch?.metadata?.['zi_run']);
    for (const hash of ['#/', '#/batches', `#/run/${run}`, `#/batch/${batch?.batch_id ?? ''}`]) {
      await go(page, hash);
      await until(page, "document.querySelector('#main .row') !== null && document.querySelector('.waiting') === null");
      expect(await ask(page, 'document.documentElement.scrollWidth'), hash).toBe(360);
    }
    await until(page, "document.querySelectorAll('.item-row.bad, .item-row.good').length === 20");
    expect(await ask(page, "document.querySelectorAll('main img, main script').length")).toBe(0);
    const ground = 'getComputedStyle(document.body).backgroundColor';
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
    const light = await ask(page, ground);
    await page.emulateMediaFeatures([
      { name: 'prefers-color-scheme', value: 'dark' },
      { name: 'prefers-reduced-motion', value: 'reduce' },
    ]);
    expect(await ask(page, ground)).not.toBe(light);
    expect(await ask(page, "getComputedStyle(document.querySelector('.pill .dot')).animationName")).toBe('none');
    expect(faults).toEqual([]);
  });

  it('holds at most 200 rows and asks at most once a second with 1,000 batches and 50,000 items', async () => {
    const { at, remote } = await scene();
    await remote.call('POST', '/graph/create', { graph_id: 'g' });
    const items = Array.from({ length: 50 }, (_, i) => ({
      type: 'graph_episode',
      graph_id: 'g',
      data: `row ${i}`,
      data_type: 'text',
    }));
    const make = async (): Promise<void> => {
      const { body } = await remote.call('POST', '/batches', {});
      const { batch_id: id } = body as { batch_id: string };
      await remote.call('POST', `/batches/${id}/items`, { items });
      await remote.call('POST', `/batches/${id}/process`);
    };
    const worker = async (n: number): Promise<void> => {
      for (let made = 0; made < n; made++) await make();
    };
    await Promise.all(Array.from({ length: 8 }, () => worker(125)));
    await remote.settled();
    const listed = (): number => remote.stats().asked['list'] ?? 0;
    const before = listed();
    const { page, faults, asked } = await open(at, remote.flags);
    const opened = performance.now();
    const rows = "document.querySelectorAll('#main li').length";
    const counted: number[] = [];
    await until(page, "document.querySelector('.tiles dd')?.textContent === '50,000'");
    counted.push(await ask<number>(page, rows));
    await go(page, '#/batches');
    await until(page, "document.querySelector('.pager')?.textContent.includes('1–50 of 1,000')");
    counted.push(await ask<number>(page, rows));
    await page.keyboard.press('n');
    await until(page, "document.querySelector('.pager')?.textContent.includes('51–100 of 1,000')");
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await until(page, "document.querySelectorAll('.item-row.row').length === 50");
    counted.push(await ask<number>(page, rows));
    expect(Math.max(...counted)).toBeLessThanOrEqual(200);
    expect(leastGap(await asked())).toBeGreaterThan(990);
    // Ten pages once, and then the newest page at most once a second.
    expect(listed() - before).toBeLessThanOrEqual(10 + (performance.now() - opened) / 1_000 + 1);
    expect(remote.stats().asked['get'] ?? 0).toBeLessThanOrEqual(20);
    expect(faults).toEqual([]);
  });

  it('tells when the dashboard has gone, and that another one needs its own address', async () => {
    const { at, remote } = await scene();
    const first = await dashboard(at, remote.flags);
    const { page } = await visit(browser, first.url);
    closing.push(() => page.close());
    await until(page, "document.querySelector('.pill')?.textContent === 'live'");
    first.process.child.kill('SIGTERM');
    expect((await first.process).code).toBe(0);
    await until(page, "document.querySelector('.banner')?.textContent.includes('does not answer')");
    await dashboard(at, [...remote.flags, '--port', new URL(first.url).port]);
    await until(page, "document.querySelector('.banner')?.textContent.includes('has ended')");
  });
});
