import { PassThrough, Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { pour } from '../../../src/cli/pour.js';

function counted(
  pieces: number,
  onPiece: (n: number) => void = () => undefined,
): {
  readonly asked: () => number;
  readonly source: () => AsyncGenerator<string>;
} {
  let asked = 0;
  return {
    asked: () => asked,
    async *source() {
      for (let n = 1; n <= pieces; n++) {
        asked = n;
        onPiece(n);
        yield `${n}\n`.repeat(10_000);
      }
    },
  };
}

it('a slow reader slows the source: pieces are asked for when the last one was taken', async () => {
  const taken: (() => void)[] = [];
  const stream = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => void taken.push(done) });
  const { asked, source } = counted(3);
  const poured = pour(stream, source());
  for (let n = 1; n <= 3; n++) {
    while (taken.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(asked()).toBe(n);
    taken.shift()?.();
  }
  while (taken.length === 0) await new Promise((resolve) => setImmediate(resolve));
  taken.shift()?.();
  await poured;
});

it('a reader that goes away ends it without an error, and no more pieces are asked for', async () => {
  for (const how of ['destroyed', 'broken'] as const) {
    const stream = new PassThrough();
    stream.on('error', () => undefined);
    stream.resume();
    const { asked, source } = counted(1_000, (n) => {
      if (n === 3) stream.destroy(how === 'broken' ? new Error('EPIPE') : undefined);
    });
    await pour(stream, source());
    expect(asked()).toBe(3);
  }
});

it('a reader that goes away while it is waited for is noticed', async () => {
  const stream = new Writable({ highWaterMark: 1, write: () => undefined });
  stream.on('error', () => undefined);
  const { asked, source } = counted(1_000);
  const poured = pour(stream, source());
  while (asked() === 0) await new Promise((resolve) => setImmediate(resolve));
  stream.destroy(new Error('EPIPE'));
  await poured;
  expect(asked()).toBe(1);
});
