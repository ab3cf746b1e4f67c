import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { OwnCap } from '../../../src/remote/own-cap.js';
import { Pace, type Permit } from '../../../src/remote/pace.js';
import { simulate, type ServiceRules } from './model-service.js';
import { SimulatedClock } from './simulated-clock.js';

const MINUTE = 60_000;
/** Twenty seconds into a minute: what is left of it and five whole ones make six windows. */
const START = Date.UTC(2026, 10, 21, 12, 0, 20, 300);
const SIX_WINDOWS = 6 * MINUTE - 20_300;

async function use(rules: ServiceRules, callers: number, seed = 1): Promise<{ use: number; refused: number }> {
  const { service } = await simulate(
    new SimulatedClock(START, seed),
    rules,
    { connections: callers, callers },
    SIX_WINDOWS,
  );
  return { use: service.accepted / (6 * 600), refused: service.refused / service.arrivals.length };
}

describe('the pace, when the service tells its budget', () => {
  it.each([
    [1, 5],
    [1, 50],
    [2, 50],
    [8, 50],
    [8, 200],
    [64, 50],
    [64, 1000],
  ])(
    'uses at least 97 % of 600 calls a minute and is refused less than 1 % (%i callers, %i ms a call)',
    async (callers, latencyMs) => {
      const result = await use({ limit: () => 600, headers: true, retryAfter: true, latencyMs }, callers);
      expect(result.use).toBeGreaterThanOrEqual(0.97);
      expect(result.refused).toBeLessThan(0.01);
    },
  );

  it.each([
    ['five minutes slow', -300_000],
    ['a little fast', 730],
    ['five minutes fast', 300_000],
  ])("holds although our clock and the service's disagree (%s)", async (_, skewMs) => {
    const result = await use({ limit: () => 600, headers: true, latencyMs: 50, skewMs }, 8);
    expect(result.use).toBeGreaterThanOrEqual(0.97);
    expect(result.refused).toBeLessThan(0.01);
  });

  it.each([
    ['milliseconds', (endsAt: number) => String(endsAt)],
    ['absurd', () => '99999999999999999'],
    ['garbage', () => 'soon'],
  ])('uses at least 90 % when X-RateLimit-Reset is %s', async (_, reset) => {
    const result = await use({ limit: () => 600, headers: true, retryAfter: true, latencyMs: 50, reset }, 8);
    expect(result.use).toBeGreaterThanOrEqual(0.9);
    expect(result.refused).toBeLessThan(0.02);
  });

  it('leaves room for others of the account, and uses what they leave', async () => {
    const rules = { limit: () => 600, headers: true, retryAfter: true, latencyMs: 50, othersPerMinute: 200 };
    const { service } = await simulate(new SimulatedClock(START), rules, { connections: 8, callers: 8 }, SIX_WINDOWS);
    expect(service.accepted).toBeGreaterThan(6 * 400 * 0.97);
    expect(service.refused / service.arrivals.length).toBeLessThan(0.01);
  });

  it('follows a limit that drops to 5 in the middle of a run', async () => {
    const dropsAt = START + 160_000;
    const rules = {
      limit: (wall: number) => (wall > dropsAt ? 5 : 600),
      headers: true,
      retryAfter: true,
      latencyMs: 50,
    };
    const { service, pace } = await simulate(
      new SimulatedClock(START),
      rules,
      { connections: 8, callers: 8 },
      10 * MINUTE,
    );
    expect(service.refused).toBeLessThanOrEqual(8);
    expect(service.accepted).toBeGreaterThanOrEqual(3 * 600 * 0.97 - 600 + 5 * 6);
    expect(pace.concurrencyHint()).toBe(1);
  });

  it('never stands entirely still within a window of a long import', async () => {
    const rules = { limit: () => 600, headers: true, latencyMs: 50 };
    const { service } = await simulate(new SimulatedClock(START), rules, { connections: 8, callers: 8 }, SIX_WINDOWS);
    const gaps = service.arrivals.map((at, index) => at - (service.arrivals[index - 1] ?? at));
    expect(Math.max(...gaps)).toBeLessThan(5_000);
  });
});

describe('the pace, when the service limits without saying to what', () => {
  it.each([
    [1, true],
    [8, true],
    [8, false],
    [64, false],
  ])('uses at least 80 % of 600 calls a minute (%i callers, Retry-After: %s)', async (callers, retryAfter) => {
    for (const seed of [1, 2, 3]) {
      const result = await use({ limit: () => 600, headers: false, retryAfter, latencyMs: 50 }, callers, seed);
      expect(result.use).toBeGreaterThanOrEqual(0.8);
      expect(result.refused).toBeLessThan(0.03);
    }
  });

  it('finds a limit of 5 again after it was 600', async () => {
    const dropsAt = START + 160_000;
    const rules = { limit: (wall: number) => (wall > dropsAt ? 5 : 600), headers: false, latencyMs: 50 };
    const { service } = await simulate(new SimulatedClock(START), rules, { connections: 8, callers: 8 }, 10 * MINUTE);
    expect(service.accepted).toBeGreaterThan(1_300);
    expect(service.refused).toBeLessThan(100);
  });
});

describe('the pace, when nothing limits', () => {
  it('gives a permit without a timer', async () => {
    const sleepless = {
      ...systemClock,
      sleep: () => {
        throw new Error('a timer was set');
      },
    };
    const pace = new Pace({ clock: sleepless, connections: 4 });
    for (let call = 0; call < 1_000; call++) pace.answered(await pace.take(), undefined);
    expect(pace.concurrencyHint()).toBe(4);
  });

  it('keeps to the number of connections, in the order of asking', async () => {
    const clock = new SimulatedClock();
    const pace = new Pace({ clock, connections: 2 });
    const order: number[] = [];
    const held: Permit[] = [];
    for (let caller = 0; caller < 5; caller++) {
      void pace.take().then((permit) => {
        order.push(caller);
        held.push(permit);
      });
    }
    await clock.run(clock.now() + 1);
    expect(order).toEqual([0, 1]);
    for (let done = 0; done < 5; done++) {
      const permit = held.shift();
      if (permit !== undefined) pace.answered(permit, undefined);
      await clock.run(clock.now() + 1);
    }
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('a refusal by 429', () => {
  it('stops everybody, and one call alone asks whether it is over', async () => {
    const clock = new SimulatedClock();
    const pace = new Pace({ clock, connections: 8 });
    const first = await pace.take();
    expect(pace.refused(first, undefined)).toEqual({ attempt: 1, elapsedMs: 0 });
    pace.pause(first, 10_000);
    const given: Permit[] = [];
    for (let caller = 0; caller < 4; caller++) void pace.take().then((permit) => given.push(permit));
    await clock.run(clock.now() + 9_999);
    expect(given).toHaveLength(0);
    await clock.run(clock.now() + 60_000);
    expect(given).toHaveLength(1);
    const scout = given[0];
    if (scout === undefined) throw new Error('nobody was let through');
    expect(pace.refused(scout, undefined).attempt).toBe(2);
    pace.pause(scout, 5_000);
    await clock.run(clock.now() + 5_000);
    expect(given).toHaveLength(2);
    const second = given[1];
    if (second === undefined) throw new Error('nobody was let through');
    pace.answered(second, undefined);
    await clock.run(clock.now() + 5_000);
    expect(given).toHaveLength(4);
  });

  it('counts once when it meets many calls that were under way together', async () => {
    const clock = new SimulatedClock();
    const pace = new Pace({ clock, connections: 8 });
    const together = await Promise.all([pace.take(), pace.take(), pace.take()]);
    const attempts = together.map((permit) => {
      const { attempt } = pace.refused(permit, undefined);
      pace.pause(permit, 1_000);
      return attempt;
    });
    expect(attempts).toEqual([1, 1, 1]);
  });

  it('lets the next call ask when the one that asked got no answer', async () => {
    const clock = new SimulatedClock();
    const pace = new Pace({ clock, connections: 8 });
    const first = await pace.take();
    pace.refused(first, undefined);
    pace.pause(first, 1_000);
    const given: Permit[] = [];
    for (let caller = 0; caller < 2; caller++) void pace.take().then((permit) => given.push(permit));
    await clock.run(clock.now() + 1_000);
    expect(given).toHaveLength(1);
    if (given[0] !== undefined) pace.lost(given[0]);
    await clock.run(clock.now() + 1_000);
    expect(given).toHaveLength(2);
  });

  it('is told once a wait, not once a caller', async () => {
    const clock = new SimulatedClock();
    const waits: number[] = [];
    const pace = new Pace({ clock, connections: 8, onWait: (ms) => waits.push(ms) });
    const first = await pace.take();
    pace.refused(first, undefined);
    pace.pause(first, 14_000);
    for (let caller = 0; caller < 6; caller++) void pace.take().catch(() => undefined);
    await clock.run(clock.now() + 10_000);
    expect(waits).toEqual([14_000]);
  });

  it('lets a waiting caller go when it is aborted, and leaves no timer behind', async () => {
    const clock = new SimulatedClock();
    const pace = new Pace({ clock, connections: 8 });
    const first = await pace.take();
    pace.refused(first, undefined);
    pace.pause(first, 50_000);
    const abort = new AbortController();
    const waiting = pace.take(abort.signal);
    const reason = new Error('stop');
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(pace.take(abort.signal)).rejects.toBe(reason);
  });
});

describe('the cap of the user', () => {
  it('holds in every stretch of sixty seconds, wherever it begins, whatever the demand', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 40_000 })), {
          minLength: 1,
          maxLength: 900,
        }),
        (perMinute, idleMs) => {
          const cap = new OwnCap(perMinute);
          const sent: number[] = [];
          let now = 0;
          for (const idle of idleMs) {
            now += idle;
            now += cap.waitMs(now);
            cap.sent(now);
            sent.push(now);
            const nth = sent[sent.length - 1 - perMinute];
            if (nth !== undefined) expect(now - nth).toBeGreaterThanOrEqual(MINUTE - 1e-6);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is used in full when there is demand, evenly', async () => {
    const rules = { limit: () => 1e9, headers: false, latencyMs: 50 };
    const load = { connections: 8, callers: 8, rateLimit: 300 };
    const { service } = await simulate(new SimulatedClock(), rules, load, 5 * MINUTE);
    expect(service.refused).toBe(0);
    expect(service.accepted).toBeGreaterThanOrEqual(0.98 * 1_500);
    expect(service.accepted).toBeLessThanOrEqual(1_500);
    const perSecond = new Map<number, number>();
    for (const at of service.arrivals)
      perSecond.set(Math.floor(at / 1000), (perSecond.get(Math.floor(at / 1000)) ?? 0) + 1);
    expect(Math.max(...perSecond.values())).toBeLessThanOrEqual(12);
  });

  it("combines with the service's budget: the lower one rules", async () => {
    const rules = { limit: () => 600, headers: true, latencyMs: 50 };
    const load = { connections: 8, callers: 8, rateLimit: 60 };
    const { service, pace } = await simulate(new SimulatedClock(START), rules, load, 5 * MINUTE);
    expect(service.accepted).toBeLessThanOrEqual(300);
    expect(service.accepted).toBeGreaterThan(290);
    expect(pace.concurrencyHint()).toBe(1);
  });

  it('works for caps too large to keep a record of', () => {
    const cap = new OwnCap(1e9);
    cap.sent(0);
    expect(cap.waitMs(0)).toBeLessThan(1);
  });
});

describe('the advice on concurrency', () => {
  it('is what the rate and the latency can use', async () => {
    const rules = { limit: () => 600, headers: true, latencyMs: 1_000 };
    const { pace } = await simulate(new SimulatedClock(START), rules, { connections: 64, callers: 64 }, 5 * MINUTE);
    expect(pace.concurrencyHint()).toBeGreaterThanOrEqual(10);
    expect(pace.concurrencyHint()).toBeLessThanOrEqual(20);
  });
});
