import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { Exchange } from '../../../src/remote/exchange.js';
import type { WireAnswer } from '../../../src/remote/transport.js';

const TIMEOUTS = { connectMs: 5_000, headersMs: 5_000, bodyMs: 5_000 };

function begin(signal?: AbortSignal): { exchange: Exchange; outcome: Promise<WireAnswer> } {
  let exchange: Exchange | undefined;
  const outcome = new Promise<WireAnswer>((resolve, reject) => {
    exchange = new Exchange(
      { timeouts: TIMEOUTS, clock: systemClock, where: 'zep.example', bodyBytes: 0, signal },
      resolve,
      reject,
    );
  });
  outcome.catch(() => undefined);
  if (exchange === undefined) throw new Error('no exchange');
  return { exchange, outcome };
}

function controller(): { readonly aborted: Error[]; abort(reason: Error): void } {
  const aborted: Error[] = [];
  return { aborted, abort: (reason) => void aborted.push(reason) };
}

describe('an exchange', () => {
  it('given up before its connection stood is never written', async () => {
    const abort = new AbortController();
    const { exchange, outcome } = begin(abort.signal);
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(outcome).rejects.toBe(reason);
    expect(() => exchange.onRequestStart(controller())).toThrow();
  });

  it('is not written a second time, and is in doubt then', async () => {
    const { exchange, outcome } = begin();
    const first = controller();
    exchange.onRequestStart(first);
    expect(() => exchange.onRequestStart(controller())).toThrow();
    await expect(outcome).rejects.toMatchObject({ sent: 'maybe' });
    expect(first.aborted).toHaveLength(1);
  });

  it('that fails while connecting was certainly not sent; afterwards it perhaps was', async () => {
    const early = begin();
    early.exchange.onResponseError(undefined, Object.assign(new Error('x'), { code: 'ECONNRESET' }));
    await expect(early.outcome).rejects.toMatchObject({ sent: 'no' });
    const late = begin();
    late.exchange.onRequestStart(controller());
    late.exchange.onResponseError(undefined, Object.assign(new Error('x'), { code: 'ECONNREFUSED' }));
    await expect(late.outcome).rejects.toMatchObject({ sent: 'maybe' });
  });

  it('is not over with an interim answer', async () => {
    const { exchange, outcome } = begin();
    exchange.onRequestStart(controller());
    exchange.onResponseStart(controller(), 103, { link: 'x' });
    exchange.onResponseStart(controller(), 200, { 'retry-after': ['1', '2'] });
    exchange.onResponseData(controller(), Buffer.from('{'));
    exchange.onResponseData(controller(), Buffer.from('}'));
    exchange.onResponseEnd();
    const answer = await outcome;
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toBe('{}');
    expect(answer.header('retry-after')).toBe('1');
  });

  it('with an error status keeps what came of its body when the rest is lost', async () => {
    const { exchange, outcome } = begin();
    exchange.onRequestStart(controller());
    exchange.onResponseStart(controller(), 429, {});
    exchange.onResponseData(controller(), Buffer.from('Rate limit'));
    exchange.onResponseError(undefined, new Error('reset'));
    expect((await outcome).body.toString()).toBe('Rate limit');
  });
});
