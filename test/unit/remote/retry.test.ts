import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideRetry, DEFAULT_RETRY_POLICY, type RetryFacts } from '../../../src/remote/retry.js';

const FACTS: RetryFacts = {
  attempt: 1,
  elapsedMs: 0,
  sent: 'maybe',
  status: undefined,
  badAnswer: false,
  idempotent: false,
  hopeless: false,
  contacted: true,
  retryAfterMs: undefined,
  resetMs: undefined,
  minuteEndMs: 30_000,
};

function delay(facts: Partial<RetryFacts>, random = 0.5): number | undefined {
  const decision = decideRetry({ ...FACTS, ...facts }, DEFAULT_RETRY_POLICY, () => random);
  return decision.again ? decision.delayMs : undefined;
}

describe('the retry decision', () => {
  const table: readonly (readonly [string, Partial<RetryFacts>, boolean])[] = [
    ['an append that was perhaps sent and got no answer', {}, false],
    ['an append that certainly was not sent', { sent: 'no' }, true],
    ['an append answered by 500', { status: 500 }, false],
    ['an append answered by 503 with Retry-After', { status: 503, retryAfterMs: 1_000 }, false],
    ['an append answered by 408', { status: 408 }, false],
    ['an append answered by 429', { status: 429 }, true],
    ['an append with an unusable answer', { status: 200, badAnswer: true }, false],
    ['a read that got no answer', { idempotent: true }, true],
    ['a read answered by 500', { idempotent: true, status: 500 }, true],
    ['a read answered by 502', { idempotent: true, status: 502 }, true],
    ['a read answered by 503', { idempotent: true, status: 503 }, true],
    ['a read answered by 504', { idempotent: true, status: 504 }, true],
    ['a read answered by 520', { idempotent: true, status: 520 }, true],
    ['a read answered by 408', { idempotent: true, status: 408 }, true],
    ['a read answered by 425', { idempotent: true, status: 425 }, true],
    ['a read answered by 501', { idempotent: true, status: 501 }, false],
    ['a read answered by 400', { idempotent: true, status: 400 }, false],
    ['a read answered by 401', { idempotent: true, status: 401 }, false],
    ['a read answered by 404', { idempotent: true, status: 404 }, false],
    ['a read answered by 301', { idempotent: true, status: 301 }, false],
    ['a read with an unusable answer', { idempotent: true, status: 200, badAnswer: true }, true],
    ['a read with the third unusable answer', { idempotent: true, status: 200, badAnswer: true, attempt: 3 }, false],
    ['what waiting cannot mend', { sent: 'no', idempotent: true, hopeless: true }, false],
    ['the ninth failure', { sent: 'no', attempt: 9 }, true],
    ['the tenth failure', { sent: 'no', attempt: 10 }, false],
    ['the fourth failure to reach a service never reached', { sent: 'no', attempt: 4, contacted: false }, false],
    ['a failure after patience ran out', { sent: 'no', elapsedMs: 300_000 }, false],
    ['a hundredth 429 within the patience', { status: 429, attempt: 100, elapsedMs: 1_000_000 }, true],
    ['a 429 after the patience', { status: 429, elapsedMs: 1_800_000 }, false],
    ['a 429 whose wait would outlast the patience', { status: 429, elapsedMs: 1_790_000, retryAfterMs: 20_000 }, false],
  ];
  it.each(table)('on %s', (_case, facts, again) => {
    expect(delay(facts) !== undefined).toBe(again);
  });

  it('never repeats what must not happen twice, unless it certainly did not happen', () => {
    const facts = fc.record({
      attempt: fc.integer({ min: 1, max: 50 }),
      elapsedMs: fc.nat(4_000_000),
      sent: fc.constantFrom<'no' | 'maybe'>('no', 'maybe'),
      status: fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined }),
      badAnswer: fc.boolean(),
      idempotent: fc.boolean(),
      hopeless: fc.boolean(),
      contacted: fc.boolean(),
      retryAfterMs: fc.option(fc.double({ min: 0, max: 1e12, noNaN: true }), { nil: undefined }),
      resetMs: fc.option(fc.nat(3_600_000), { nil: undefined }),
      minuteEndMs: fc.nat(60_000),
    });
    fc.assert(
      fc.property(facts, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (given, random) => {
        const decision = decideRetry(given, DEFAULT_RETRY_POLICY, () => random);
        if (!decision.again) return;
        expect(given.status === 429 || given.sent === 'no' || given.idempotent).toBe(true);
        expect(decision.delayMs).toBeGreaterThanOrEqual(0);
        expect(decision.delayMs).toBeLessThanOrEqual(60_250);
      }),
    );
  });

  it.each([
    ['as long as Retry-After says', { retryAfterMs: 14_000 }, 14_000, 14_300],
    ['a minute at most, however long Retry-After is', { retryAfterMs: 31_536_000_000 }, 60_000, 60_250],
    ['until the window ends, without Retry-After', { resetMs: 20_000 }, 20_000, 20_300],
    ['by Retry-After rather than by the window', { retryAfterMs: 5_000, resetMs: 40_000 }, 5_000, 5_300],
    ['hardly at all when told so', { retryAfterMs: 0 }, 0, 50],
    ['a second when told "at once" again and again', { retryAfterMs: 0, attempt: 2 }, 1_000, 1_100],
    ['ever longer when told nothing', { attempt: 4, minuteEndMs: 60_000 }, 6_000, 10_000],
    ['only into the next minute when told nothing', { attempt: 6, minuteEndMs: 3_000 }, 3_050, 3_250],
  ] as const)('waits %s', (_case, facts, least, most) => {
    for (const random of [0, 0.5, 0.999]) {
      const ms = delay({ status: 429, ...facts }, random);
      expect(ms).toBeGreaterThanOrEqual(least);
      expect(ms).toBeLessThanOrEqual(most);
    }
  });
});
