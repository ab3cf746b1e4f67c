import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/events.js';
import { createRenderer, type ProgressMode } from '../../../src/progress/index.js';
import { rendererUnderTest } from './renderer-under-test.js';
import {
  batch,
  chunk,
  counts,
  exitError,
  itemFailed,
  manualClock,
  phase,
  read,
  rejected,
  started,
  summary,
} from './samples.js';

const MODES: readonly ProgressMode[] = ['auto', 'bar', 'plain', 'json', 'none'];

const EVERYTHING: readonly RunEvent[] = [
  started(),
  phase('uploading'),
  read({ records: 1, mapped: 1, items: 1, bytes: 1 }),
  chunk(1),
  rejected('x'),
  itemFailed('y'),
  batch('b1', 'processing', { items: 1, counts: counts(1, 0) }),
  { type: 'waiting', reason: 'retry', ms: 100 },
  { type: 'notice', level: 'warning', code: 'c', message: 'm', hint: 'h' },
  phase('processing'),
  { type: 'summary', summary: summary() },
  exitError(),
];

function brokenStreams(): Record<string, ConstructorParameters<typeof Writable>[0] | object> {
  const destroyed = new PassThrough();
  destroyed.destroy();
  return {
    throwing: {
      isTTY: true,
      columns: 80,
      write: () => {
        throw new Error('EPIPE');
      },
    },
    destroyed: Object.assign(destroyed, { isTTY: true, columns: 80 }),
    failing: Object.assign(
      new Writable({
        write(_chunk, _encoding, done) {
          done(new Error('EPIPE'));
        },
      }),
      { isTTY: true, columns: 80 },
    ),
    sizeless: { isTTY: true, columns: 0, write: () => true },
    tiny: { isTTY: true, columns: 1, write: () => true },
  };
}

describe('a renderer cannot fail the run', () => {
  test.each(MODES)('%s: whatever the stream does', async (mode) => {
    for (const stream of Object.values(brokenStreams())) {
      const r = await rendererUnderTest({ mode, stream: stream as never, summary: true, verbose: true });
      for (const event of EVERYTHING) {
        expect(() => {
          r.observe(event);
        }).not.toThrow();
      }
      r.pass(120_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
      r.close();
      r.close();
    }
  });

  test.each(MODES)('%s: whatever the events hold', async (mode) => {
    const stream = { isTTY: true, columns: 80, write: () => true };
    const r = await rendererUnderTest({ mode, stream });
    for (const { type } of EVERYTHING) {
      expect(() => {
        r.observe({ type } as unknown as RunEvent);
      }).not.toThrow();
    }
    for (const junk of [null, undefined, 7, {}, { type: 'rejected', rejection: null }]) {
      expect(() => {
        r.observe(junk as unknown as RunEvent);
      }).not.toThrow();
    }
    r.close();
  });

  test('a pipe that nobody reads any more stops the talk and not the process', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.destroy(); process.exit(0)'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await new Promise((resolve) => child.once('exit', resolve));
    const r = await createRenderer({
      mode: 'json',
      stream: child.stdin,
      env: {},
      quiet: false,
      verbose: false,
      clock: manualClock(),
    });
    for (let i = 0; i < 100; i++) {
      for (const event of EVERYTHING) r.observe(event);
      await new Promise((resolve) => setImmediate(resolve));
    }
    r.close();
    expect(child.stdin.destroyed).toBe(true);
  });

  test('timers of every mode let the process end', async () => {
    const timers: NodeJS.Timeout[] = [];
    const original = globalThis.setInterval;
    globalThis.setInterval = ((act: () => void, ms: number) => {
      const timer = original(act, ms);
      timers.push(timer);
      return timer;
    }) as typeof setInterval;
    try {
      for (const mode of MODES) {
        const stream = { isTTY: true, columns: 80, write: () => true };
        await createRenderer({ mode, stream, env: {}, quiet: false, verbose: false, clock: manualClock() });
      }
    } finally {
      globalThis.setInterval = original;
    }
    expect(timers.length).toBeGreaterThan(0);
    expect(timers.filter((timer) => timer.hasRef())).toEqual([]);
    for (const timer of timers) clearInterval(timer);
  });

  test('the hook on the end of the process is taken back on close', async () => {
    const before = process.listenerCount('exit');
    const stream = { isTTY: true, columns: 80, write: () => true };
    const r = await createRenderer({
      mode: 'bar',
      stream,
      env: {},
      quiet: false,
      verbose: false,
      clock: manualClock(),
    });
    expect(r.mode).toBe('bar');
    expect(process.listenerCount('exit')).toBe(before + 1);
    r.close();
    expect(process.listenerCount('exit')).toBe(before);
  });
});

/** Packages that a module of src/progress loads at once, by itself or through what it imports. */
function packagesOf(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const statements = readFileSync(file, 'utf8').matchAll(/^(?:import|export)(?! type) [^;]*?from '([^']+)';/gm);
  return [...statements].flatMap(([, specifier = '']) =>
    specifier.startsWith('.') ? packagesOf(join(dirname(file), specifier.replace(/\.js$/, '.ts')), seen) : [specifier],
  );
}

test.each(['index', 'plain', 'json', 'none', 'summary-json', 'check-json'])(
  '%s loads no package for drawing',
  (name) => {
    expect(packagesOf(join(import.meta.dirname, '../../../src/progress', `${name}.ts`))).toEqual([]);
  },
);

test('the bar does: the walk above sees packages', () => {
  const packages = packagesOf(join(import.meta.dirname, '../../../src/progress/bar.ts'));
  expect([...new Set(packages)].sort()).toEqual(['chalk', 'cli-progress', 'string-width']);
});
