import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { httpDateMs, rateHeaders, retryAfterMs } from '../../../src/remote/rate-headers.js';
import { ServerClock } from '../../../src/remote/server-clock.js';
import { SimulatedClock } from './simulated-clock.js';

const NOW = Date.UTC(2026, 10, 21, 12, 0, 20);

describe('Retry-After', () => {
  it.each([
    ['60', 60_000],
    [' 44 ', 44_000],
    ['1.5', 1_500],
    ['.5', 500],
    ['0', 0],
    ['31536000', 31_536_000_000],
    ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
    ['Sat, 21 Nov 2026 12:00:50 GMT', 30_000],
    ['Saturday, 21-Nov-26 12:00:50 GMT', 30_000],
    ['Sat Nov 21 12:00:50 2026', 30_000],
    ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
    ['-5', undefined],
    ['', undefined],
    ['soon', undefined],
    ['soon 5', undefined],
    ['5 minutes', undefined],
    ['2026-11-21', undefined],
    ['Infinity', undefined],
    ['NaN', undefined],
    ['0x10', undefined],
    [undefined, undefined],
  ])('%j is %j ms', (value, ms) => {
    expect(retryAfterMs(value, NOW, 0)).toBe(ms);
  });

  it('as a date is measured against the date of the answer, and against our clock only without one', () => {
    const value = 'Sat, 21 Nov 2026 12:00:50 GMT';
    expect(retryAfterMs(value, NOW, NOW - 86_400_000)).toBe(30_000);
    expect(retryAfterMs(value, undefined, NOW + 10_000)).toBe(20_000);
  });

  it('of any garbage is a number of milliseconds or nothing', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const ms = retryAfterMs(value, NOW, NOW);
        expect(ms === undefined || (Number.isFinite(ms) && ms >= 0)).toBe(true);
      }),
    );
  });
});

describe('the budget headers', () => {
  const read = (limit?: string, remaining?: string, reset?: string): unknown =>
    rateHeaders(
      (name) => ({ 'x-ratelimit-limit': limit, 'x-ratelimit-remaining': remaining, 'x-ratelimit-reset': reset })[name],
      NOW,
    );
  const endsAt = NOW + 40_000;

  it.each([
    ['as documented', '600', '599', String(endsAt / 1000), { limit: 600, remaining: 599, resetAt: endsAt }],
    ['overdrawn', '5', '-43', String(endsAt / 1000), { limit: 5, remaining: -43, resetAt: endsAt }],
    ['in milliseconds', '600', '1', String(endsAt), { limit: 600, remaining: 1, resetAt: endsAt }],
    ['counted from now', '600', '1', '40', { limit: 600, remaining: 1, resetAt: endsAt }],
    ['with a policy behind', '100, 100;w=60', '7', '40', { limit: 100, remaining: 7, resetAt: endsAt }],
    ['more left than there is', '600', '9000', '40', { limit: 600, remaining: 600, resetAt: endsAt }],
    ['reset in the far future', '600', '1', '99999999999', { limit: 600, remaining: 1, resetAt: undefined }],
    ['reset long past', '600', '1', '1000000000', { limit: 600, remaining: 1, resetAt: undefined }],
    ['reset garbage', '600', '1', 'tomorrow', { limit: 600, remaining: 1, resetAt: undefined }],
    ['reset missing', '600', '1', undefined, { limit: 600, remaining: 1, resetAt: undefined }],
    ['limit zero', '0', '0', '40', undefined],
    ['limit garbage', 'many', '1', '40', undefined],
    ['limit of twenty digits', '9'.repeat(20), '1', '40', undefined],
    ['remaining missing', '600', undefined, '40', undefined],
    ['nothing', undefined, undefined, undefined, undefined],
  ])('%s', (_case, limit, remaining, reset, expected) => {
    expect(read(limit, remaining, reset)).toEqual(expected);
  });
});

describe("the service's clock", () => {
  it('is known to a few milliseconds after some calls, though its dates are cut to seconds', () => {
    const clock = new SimulatedClock();
    const server = new ServerClock(clock);
    const offset = 1_234_567_890_123;
    for (let call = 0; call < 200; call++) {
      const sentAt = 1_000 + call * 137;
      const date = Math.floor((sentAt + 20 + offset) / 1000) * 1000;
      server.observe(date, sentAt, sentAt + 40);
    }
    expect(Math.abs(server.at(50_000) - (50_000 + offset))).toBeLessThan(60);
    expect(server.at(50_000)).toBeLessThanOrEqual(50_000 + offset);
    expect(server.toMonotonic(60_000 + offset)).toBeGreaterThanOrEqual(60_000);
  });

  it('is believed anew when it was set', () => {
    const clock = new SimulatedClock();
    const server = new ServerClock(clock);
    server.observe(NOW, 1_000, 1_010);
    server.observe(NOW - 3_600_000, 2_000, 2_010);
    expect(Math.abs(server.at(2_010) - (NOW - 3_600_000))).toBeLessThanOrEqual(1_000);
  });

  it('is ours until the first answer', () => {
    const clock = new SimulatedClock();
    expect(new ServerClock(clock).at(clock.now() + 5)).toBe(clock.date() + 5);
  });

  it('reads dates and nothing else', () => {
    expect(httpDateMs('Sat, 21 Nov 2026 12:00:20 GMT')).toBe(NOW);
    expect(httpDateMs('20')).toBeUndefined();
    expect(httpDateMs('Sat, 99 Nov 2026 12:00:20 GMT')).toBeUndefined();
  });
});
