import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { rendererUnderTest, type UnderTest } from './renderer-under-test.js';
import { batch, chunk, counts, exitError, HOSTILE, phase, read, rejected, started, summary } from './samples.js';
import { screenModel, type ScreenModel } from './screen-model.js';

/** Long enough for cli-progress to draw a frame. */
const FRAME_MS = 300;

async function bar(columns = 100, env = {}): Promise<{ r: UnderTest; screen: ScreenModel }> {
  const screen = screenModel(columns);
  const r = await rendererUnderTest({ mode: 'auto', stream: screen.stream, env });
  return { r, screen };
}

function begin(r: UnderTest): void {
  r.observe(started());
  r.observe(phase('uploading'));
  r.observe(read({ records: 10, mapped: 10, items: 10, bytes: 500 }));
  r.observe(chunk(10));
}

const bars = (screen: ScreenModel): string[] => screen.lines().filter((line) => /^(upload|processing) /.test(line));

describe('the bar on a terminal', () => {
  test('shows the upload alone, then processing below it once the service works', async () => {
    const { r, screen } = await bar();
    begin(r);
    await sleep(FRAME_MS);
    expect(bars(screen)).toHaveLength(1);
    expect(bars(screen)[0]).toMatch(/^upload {6}━.* 50% {2}10 items/);
    expect(screen.cursorShown()).toBe(false);
    r.observe(batch('b1', 'processing', { items: 10, counts: counts(10, 5) }));
    r.observe(batch('b2', 'queued', { items: 10 }));
    await sleep(FRAME_MS);
    expect(bars(screen)[1]).toMatch(/^processing {2}.* 25% {2}5 of 20 items/);
    r.close();
  });

  test('prints notices and rejects above the bars, whole, and leaves no scraps of bars between them', async () => {
    const { r, screen } = await bar(60);
    begin(r);
    r.observe(batch('b1', 'processing', { items: 10, counts: counts(10, 5) }));
    await sleep(FRAME_MS);
    const message = 'a message that is much longer than sixty columns and therefore has to go on in the next line';
    r.observe({ type: 'notice', level: 'warning', code: 'x', message, hint: 'short' });
    await sleep(FRAME_MS);
    r.observe(rejected('no content'));
    r.observe(rejected('too long'));
    r.close();
    const lines = screen.lines();
    expect(bars(screen)).toHaveLength(2);
    const text = lines.slice(1).join('');
    expect(lines.slice(1, 4).join('')).toContain(`warning: ${message}`);
    expect(text).toContain('rejected tickets.csv:812: no content [map missing-field]');
    expect(text.match(/upload/g)).toHaveLength(1);
    expect(lines.findIndex((line) => line.startsWith('upload'))).toBe(
      lines.findIndex((line) => line.startsWith('processing')) - 1,
    );
  });

  test('gives the cursor and the wrapping of lines back on close, after an error, and when the process exits', async () => {
    const endings: ((r: UnderTest) => void)[] = [
      (r) => {
        r.close();
      },
      (r) => {
        r.observe(exitError());
      },
      (r) => {
        r.observe({ type: 'summary', summary: summary() });
      },
      (r) => {
        r.exit();
      },
    ];
    for (const end of endings) {
      const { r, screen } = await bar();
      begin(r);
      await sleep(FRAME_MS);
      expect([screen.cursorShown(), screen.wraps()]).toEqual([false, false]);
      end(r);
      expect([screen.cursorShown(), screen.wraps()]).toEqual([true, true]);
      const after = screen.raw().length;
      r.close();
      await sleep(FRAME_MS);
      expect(screen.raw().slice(after)).toBe('');
    }
  });

  test('says the error below the bars, also when it comes after the end', async () => {
    const { r, screen } = await bar();
    begin(r);
    r.observe(exitError());
    expect(screen.lines().slice(-3)).toEqual([
      'error: the service does not answer [unavailable]',
      '  zep-import resume run-1',
      '',
    ]);
    expect(screen.lines().at(-4)).toMatch(/^upload/);
    r.observe(exitError('once more'));
    expect(screen.lines().at(-3)).toBe('error: once more [unavailable]');
  });

  test('of a run that fails at once is not drawn at all', async () => {
    const { r, screen } = await bar();
    r.observe(started());
    r.observe(exitError('no key'));
    r.close();
    expect(screen.raw()).not.toContain('upload');
    expect(screen.raw()).not.toContain('\u001b[?25');
  });

  test('fits a terminal that becomes narrower while it runs', async () => {
    const { r, screen } = await bar(120);
    begin(r);
    await sleep(FRAME_MS);
    screen.stream.columns = 40;
    await sleep(FRAME_MS);
    const last = bars(screen).at(-1) ?? '';
    expect(last.length).toBeLessThan(40);
    r.close();
  });

  test('obeys COLUMNS and NO_COLOR', async () => {
    const { r, screen } = await bar(120, { COLUMNS: '50', NO_COLOR: '1' });
    begin(r);
    r.close();
    expect(bars(screen)[0]?.length).toBeLessThan(50);
    expect(screen.raw().includes('\u001b[3')).toBe(false);
    expect(screen.raw().includes('\u001b[1m')).toBe(false);
  });

  test('shows hostile words as escapes: the screen model meets no sequence that is not ours', async () => {
    const { r, screen } = await bar();
    begin(r);
    r.observe(rejected(HOSTILE, { code: HOSTILE }));
    r.observe({ type: 'waiting', reason: 'retry', ms: 9_000, detail: HOSTILE });
    r.observe({ type: 'notice', level: 'info', code: 'x', message: HOSTILE, hint: HOSTILE });
    await sleep(FRAME_MS);
    r.close();
    expect(screen.lines().join('')).toContain(String.raw`a\x1b[2J\x1b]0;owned\x07b\r\nc\u202ed`);
  });

  test('writes a frame in one piece', async () => {
    const { r, screen } = await bar();
    begin(r);
    await sleep(FRAME_MS);
    const frames = screen.writes().filter((text) => text.includes('upload'));
    expect(frames.every((text) => text.includes('upload') && text.includes('%'))).toBe(true);
    r.close();
  });
});
