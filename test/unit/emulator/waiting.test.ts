import { expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { waitUnless } from '../../../src/emulator/waiting.js';

it('many requests held back at once are no leak: nothing is warned of', async () => {
  const warnings: Error[] = [];
  const listen = (warning: Error): void => void warnings.push(warning);
  process.on('warning', listen);
  const stopping = new AbortController();
  const waits = Array.from({ length: 30 }, () => waitUnless(systemClock, 60_000, [stopping.signal]));
  stopping.abort();
  await Promise.allSettled(waits);
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listen);
  expect(warnings.map(({ name }) => name)).toEqual([]);
});
