/** A result too long to be held: written piece by piece, as fast as its reader takes it. */
import type { Writable } from 'node:stream';

/** Resolves when all is written, or when the reader has gone away, which is no failure: then no more pieces are asked for. */
export async function pour(stream: Writable, pieces: AsyncIterable<string>): Promise<void> {
  for await (const piece of pieces) {
    if (!isOpen(stream)) return;
    if (!stream.write(piece)) await drained(stream);
  }
  if (isOpen(stream)) await new Promise<void>((resolve) => stream.write('', () => resolve()));
}

function isOpen(stream: Writable): boolean {
  return stream.writable && !stream.destroyed && stream.errored === null;
}

function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const ends = ['drain', 'close', 'error'] as const;
    const done = (): void => {
      for (const end of ends) stream.removeListener(end, done);
      resolve();
    };
    if (!isOpen(stream)) {
      resolve();
      return;
    }
    for (const end of ends) stream.on(end, done);
  });
}
