/**
 * One call from the program's point of view: leave of the pace, the exchange, the judgement of what came back, and the repeats that are
 * safe. It decides nothing itself: when to go is pace.ts, whether to go again is retry.ts, what it means is problems.ts.
 */
import type { Clock } from '../clock.js';
import type { WaitReason } from '../events.js';
import type { CallStats, ConnectionFacts, RemoteError } from './api.js';
import { BadAnswer } from './answers.js';
import type { Pace, Permit } from './pace.js';
import { badAnswer, inDoubt, refusal, silence, type Operation } from './problems.js';
import { httpDateMs, rateHeaders, retryAfterMs } from './rate-headers.js';
import { decideRetry, type RetryDecision, type RetryFacts, type RetryPolicy } from './retry.js';
import { ServerClock } from './server-clock.js';
import { serverWords, type Redact } from './server-words.js';
import { WireFailure, type Transport, type WireAnswer, type WireRequest } from './transport.js';
import type { BudgetSighting } from './window-budget.js';

export type OnWait = (reason: WaitReason, ms: number, detail: string) => void;

export interface CallerOptions {
  readonly transport: Transport;
  readonly pace: Pace;
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  readonly redact: Redact;
  readonly onWait: OnWait;
}

/** What became of one try. */
type Outcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | {
      readonly kind: 'failed';
      readonly error: RemoteError;
      readonly sent: 'no' | 'maybe';
      readonly badAnswer: boolean;
      readonly hopeless: boolean;
      readonly answer: WireAnswer | undefined;
      readonly refusals: Row | undefined;
    };
type Failed = Extract<Outcome<never>, { kind: 'failed' }>;

/** Failures in a row: how many, this one included, and for how long. */
interface Row {
  readonly attempt: number;
  readonly elapsedMs: number;
}

const MINUTE_MS = 60_000;

export class Caller {
  readonly #options: CallerOptions;
  readonly #serverClock: ServerClock;
  #contacted = false;
  #budget: ConnectionFacts['budget'];
  #total = 0;
  #add = 0;
  #repeated = 0;
  #rateLimited = 0;
  #bytesSent = 0;

  constructor(options: CallerOptions) {
    this.#options = options;
    this.#serverClock = new ServerClock(options.clock);
  }

  stats(): CallStats {
    return {
      total: this.#total,
      add: this.#add,
      repeated: this.#repeated,
      rateLimited: this.#rateLimited,
      bytesSent: this.#bytesSent,
    };
  }

  facts(): Pick<ConnectionFacts, 'budget' | 'clockSkewMs'> {
    return { budget: this.#budget, clockSkewMs: this.#serverClock.skewMs() };
  }

  /** `read` turns a 2xx answer into the result and throws BadAnswer when it cannot. Throws RemoteError or `signal.reason`. */
  async call<T>(
    operation: Operation,
    request: WireRequest,
    read: (answer: WireAnswer) => T,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const { clock } = this.#options;
    const failures = new FailureRow();
    let everInDoubt = false;
    for (let attempt = 1; ; attempt++) {
      const permit = await this.#leave(operation, attempt > 1, signal);
      if (attempt > 1) this.#repeated++;
      const outcome = await this.#attempt(operation, request, read, permit, signal);
      if (outcome.kind === 'done') return outcome.value;

      everInDoubt ||= outcome.error.effect === 'unknown';
      const row = failures.add(outcome, clock.now());
      const decision = decideRetry(this.#facts(operation, outcome, row), this.#options.policy, () => clock.random());
      if (!decision.again) throw everInDoubt ? inDoubt(outcome.error) : outcome.error;
      await this.#wait(decision, permit, outcome.error, signal);
    }
  }

  async #leave(operation: Operation, again: boolean, signal: AbortSignal | undefined): Promise<Permit> {
    try {
      return await this.#options.pace.take(signal, again);
    } catch (error) {
      throw error instanceof WireFailure ? silence(operation, error) : error;
    }
  }

  async #attempt<T>(
    operation: Operation,
    request: WireRequest,
    read: (answer: WireAnswer) => T,
    permit: Permit,
    signal: AbortSignal | undefined,
  ): Promise<Outcome<T>> {
    const { transport, pace } = this.#options;
    this.#total++;
    if (operation.name === 'addItems') this.#add++;
    let answer: WireAnswer;
    try {
      answer = await transport.exchange(request, signal);
    } catch (error) {
      pace.lost(permit);
      if (!(error instanceof WireFailure)) throw error;
      if (error.sent !== 'no') this.#bytesSent += request.body?.byteLength ?? 0;
      return failed(silence(operation, error), error.sent, { hopeless: isHopeless(error) });
    }
    this.#contacted = true;
    this.#bytesSent += request.body?.byteLength ?? 0;
    const sighting = this.#sight(answer);
    if (answer.status === 429) {
      this.#rateLimited++;
      const refusals = pace.refused(permit, sighting, this.#askedWaitMs(answer));
      return { ...failed(this.#refusal(operation, answer), 'maybe', { answer }), refusals };
    }
    pace.answered(permit, sighting);
    if (answer.status < 200 || answer.status > 299) {
      return failed(this.#refusal(operation, answer), 'maybe', { answer, hopeless: answer.status === 407 });
    }
    try {
      return { kind: 'done', value: read(answer) };
    } catch (error) {
      if (!(error instanceof BadAnswer)) throw error;
      return failed(badAnswer(operation, answer.status, error.message, error), 'maybe', { answer, badAnswer: true });
    }
  }

  /** How long the service asked us to wait, if it did. */
  #askedWaitMs(answer: WireAnswer): number | undefined {
    return retryAfterMs(answer.header('retry-after'), httpDateMs(answer.header('date')), this.#options.clock.date());
  }

  #refusal(operation: Operation, answer: WireAnswer): RemoteError {
    const { redact } = this.#options;
    return refusal(operation, answer.status, serverWords(answer.body, redact), redact(answer.header('location') ?? ''));
  }

  /** What an answer's headers tell about the server's clock and the budget left, in our own time. */
  #sight(answer: WireAnswer): BudgetSighting | undefined {
    const date = httpDateMs(answer.header('date'));
    if (date !== undefined) this.#serverClock.observe(date, answer.sentAt, answer.headersAt);
    const rate = rateHeaders(answer.header, this.#serverClock.at(answer.headersAt));
    if (rate === undefined) return undefined;
    this.#budget = { limit: rate.limit, remaining: rate.remaining };
    const endsAt = rate.resetAt === undefined ? undefined : this.#serverClock.toMonotonic(rate.resetAt);
    return { limit: rate.limit, remaining: rate.remaining, endsAt };
  }

  #facts(operation: Operation, failure: Failed, row: Row): RetryFacts {
    const { clock } = this.#options;
    const header = failure.answer?.header;
    const serverNow = this.#serverClock.at(clock.now());
    const rate = header === undefined ? undefined : rateHeaders(header, serverNow);
    return {
      ...row,
      sent: failure.sent,
      status: failure.answer?.status,
      badAnswer: failure.badAnswer,
      idempotent: operation.idempotent,
      hopeless: failure.hopeless,
      contacted: this.#contacted,
      retryAfterMs: retryAfterMs(header?.('retry-after'), httpDateMs(header?.('date')), clock.date()),
      resetMs: rate?.resetAt === undefined ? undefined : Math.max(0, rate.resetAt - serverNow),
      minuteEndMs: MINUTE_MS - (((serverNow % MINUTE_MS) + MINUTE_MS) % MINUTE_MS),
    };
  }

  /** A refused rate stops everybody, and the pace itself does the waiting; any other failure is this call's own. */
  async #wait(
    decision: Extract<RetryDecision, { again: true }>,
    permit: Permit,
    error: RemoteError,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (decision.reason === 'rate-limited') {
      this.#options.pace.pause(permit, decision.delayMs);
      return;
    }
    this.#options.onWait('retry', decision.delayMs, error.message);
    await this.#options.clock.sleep(decision.delayMs, signal);
  }
}

/**
 * The failures of one call that are not refusals by rate: those are counted by the pace, for all calls together. Time spent waiting for
 * the rate counts neither as failing nor as working, so that a service cannot keep a call alive for ever by failing in turns.
 */
class FailureRow {
  #failures = 0;
  #badAnswers = 0;
  #elapsedMs = 0;
  #failedAt: number | undefined;

  add(failure: Failed, now: number): Row {
    if (failure.refusals !== undefined) {
      this.#failedAt = undefined;
      return failure.refusals;
    }
    this.#elapsedMs += now - (this.#failedAt ?? now);
    this.#failedAt = now;
    this.#failures++;
    if (failure.badAnswer) this.#badAnswers++;
    return { attempt: failure.badAnswer ? this.#badAnswers : this.#failures, elapsedMs: this.#elapsedMs };
  }
}

function failed(
  error: RemoteError,
  sent: 'no' | 'maybe',
  facts: { readonly answer?: WireAnswer; readonly badAnswer?: boolean; readonly hopeless?: boolean },
): Failed {
  return {
    kind: 'failed',
    error,
    sent,
    badAnswer: facts.badAnswer ?? false,
    hopeless: facts.hopeless ?? false,
    answer: facts.answer,
    refusals: undefined,
  };
}

/** What waiting does not mend. A proxy that says 5xx may find the service later; one that says 4xx does not want to. */
function isHopeless(failure: WireFailure): boolean {
  if (failure.kind === 'proxy') return failure.status !== undefined && failure.status < 500;
  return failure.kind === 'tls' || failure.kind === 'too-large' || failure.kind === 'closed';
}
