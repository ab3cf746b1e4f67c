/** Progress in the tab of a terminal: only where it is known, red when something goes wrong, and gone at the end however it comes. */
import { describe, expect, test } from 'vitest';
import { knowsTabProgress } from '../../../src/progress/tab-progress.js';
import { rendererUnderTest, type UnderTest } from './renderer-under-test.js';
import { batch, chunk, counts, exitError, memoryStream, phase, read, rejected, started, summary } from './samples.js';

const GHOSTTY = { TERM: 'xterm-ghostty' };

describe('terminals', () => {
  test.each([
    [{ WT_SESSION: 'x' }, true],
    [{ ConEmuANSI: 'ON' }, true],
    [{ ConEmuANSI: 'OFF' }, false],
    [{ TERM_PROGRAM: 'ghostty' }, true],
    [GHOSTTY, true],
    [{ TERM_PROGRAM: 'WezTerm', TERM_PROGRAM_VERSION: '20250815-070909-26f40d2c' }, true],
    [{ TERM_PROGRAM: 'WezTerm', TERM_PROGRAM_VERSION: '20240203-110809-5046fc22' }, false],
    [{ TERM_PROGRAM: 'iTerm.app', TERM_PROGRAM_VERSION: '3.6.6' }, true],
    [{ TERM_PROGRAM: 'iTerm.app', TERM_PROGRAM_VERSION: '3.10.0' }, true],
    [{ TERM_PROGRAM: 'iTerm.app', TERM_PROGRAM_VERSION: '3.6.5' }, false],
    [{ TERM_PROGRAM: 'iTerm.app', TERM_PROGRAM_VERSION: '3.7.beta1' }, true],
    [{ TERM_PROGRAM: 'iTerm.app' }, false],
    [{ TERM_PROGRAM: 'Apple_Terminal' }, false],
    [{ TERM: 'xterm-256color' }, false],
    [{}, false],
    [{ WT_SESSION: 'x', TMUX: '/tmp/tmux-1000/default,1,0' }, false],
    [{ WT_SESSION: 'x', TERM: 'screen-256color' }, false],
    [{ TERM_PROGRAM: 'ghostty', STY: '1.pts-0' }, false],
  ])('%j: %s', (env, expected) => {
    expect(knowsTabProgress(env)).toBe(expected);
  });
});

interface Shown {
  readonly r: UnderTest;
  readonly sequences: () => string[];
}

async function shown(env: Record<string, string>, isTTY = true): Promise<Shown> {
  const stream = { ...memoryStream(), isTTY, columns: 100 };
  const r = await rendererUnderTest({ mode: 'auto', stream, env });

  return {
    r,
    sequences: () => [...stream.text().matchAll(/\u001b\]9;4;([\d;]*)\u001b\\/g)].map(([, text = '']) => text),
  };
}

function begin(r: UnderTest): void {
  r.observe(started());
  r.observe(phase('uploading'));
  r.observe(read({ records: 10, mapped: 10, items: 10, bytes: 500 }));
  r.observe(chunk(10));
}

describe('the tab of a terminal that knows it', () => {
  test('shows the share of the upload, then that of processing, and nothing after the end', async () => {
    const { r, sequences } = await shown(GHOSTTY);
    begin(r);
    expect(sequences().at(-1)).toBe('1;50');
    r.observe({ type: 'input-end' });
    r.observe(phase('processing'));
    r.observe(batch('b1', 'processing', { items: 10, counts: counts(10, 2) }));
    expect(sequences().at(-1)).toBe('1;20');
    r.observe({ type: 'summary', summary: summary() });
    expect(sequences().at(-1)).toBe('0');
    const { length } = sequences();
    r.pass(5_000);
    r.close();
    expect(sequences()).toHaveLength(length);
  });

  test('is red from the first rejected row on', async () => {
    const { r, sequences } = await shown(GHOSTTY);
    begin(r);
    r.observe(rejected('no content'));
    expect(sequences().at(-1)).toBe('2;50');
    r.close();
  });

  test('moves without a number while the size of the input is not known', async () => {
    const { r, sequences } = await shown(GHOSTTY);
    r.observe(started({ totalBytes: undefined }));
    r.observe(phase('uploading'));
    r.observe(read({ records: 1, mapped: 1, items: 1, bytes: 1 }));
    expect(sequences()).toEqual(['3']);
    r.close();
  });

  test('is told again each second, for terminals that forget', async () => {
    const { r, sequences } = await shown(GHOSTTY);
    begin(r);
    const { length } = sequences();
    r.pass(3_000);
    expect(sequences().slice(length)).toEqual(['1;50', '1;50', '1;50']);
    r.close();
  });

  test('is cleared by an error, by the end of a stopped run, and when the process exits', async () => {
    const endings: ((r: UnderTest) => void)[] = [
      (r) => r.observe(exitError()),
      (r) => r.close(),
      (r) => r.exit(),
      (r) => {
        r.observe(phase('stopping'));
        r.observe(phase('done'));
        r.observe({ type: 'summary', summary: summary({ status: 'interrupted' }) });
      },
    ];
    for (const end of endings) {
      const { r, sequences } = await shown(GHOSTTY);
      begin(r);
      end(r);
      expect(sequences().at(-1)).toBe('0');
      r.close();
      expect(r.timers.size).toBe(0);
    }
  });
});

test('nothing is written anywhere else: no terminal, another terminal, another mode', async () => {
  for (const [env, isTTY] of [
    [GHOSTTY, false],
    [{ TERM: 'xterm-256color' }, true],
    [{ ...GHOSTTY, CI: 'true' }, true],
  ] as const) {
    const { r, sequences } = await shown(env, isTTY);
    begin(r);
    r.pass(2_000);
    r.close();
    expect(sequences()).toEqual([]);
  }
});
