/**
 * Webhooks as the service sends them: signed as Svix does, kept in the data file until somebody took them, tried again on Svix's own
 * schedule. A webhook says only that something ended; what became of it has to be asked.
 */
import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { AppError } from '../errors.js';
import type { Clock } from '../clock.js';
import { isoTime } from './batch-answers.js';
import { failureText } from './failure-text.js';
import type { ActiveBatch } from './engine/work-queue.js';
import type { ProcessorEvents } from './engine/processor.js';
import type { Stats } from './stats.js';
import type { Batch } from './store/batches.js';
import type { Store } from './store/store.js';
import { waitUnless } from './waiting.js';

export type WebhookEvent = 'ingest.batch.completed' | 'episode.processed';

export interface WebhookOptions {
  readonly url: string;
  /** `whsec_` and the key in base64. */
  readonly secret: string;
  /** [both] */
  readonly events?: readonly WebhookEvent[];
  /** Delivers every message twice. */
  readonly duplicate?: boolean;
  /** Waits before the first attempt. */
  readonly delayMs?: number;
  /** Signs with another key. */
  readonly missign?: boolean;
  /** Waits between attempts; Svix's own schedule by default. */
  readonly retryScheduleMs?: readonly number[];
  /** How long an answer may take [15 s]. */
  readonly timeoutMs?: number;
}

/** docs.svix.com/retries: at once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h. */
const SVIX_SCHEDULE_MS = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000].map((seconds) => seconds * 1000);
const TIMEOUT_MS = 15_000;
const AT_ONCE = 16;
const IDLE_MS = 60_000;
/** What cannot be read or recorded, for want of disk space say, is looked at again after this. */
const RETRY_MS = 1_000;

const WRONG_SECRET = `whsec_${Buffer.from('a key that nobody has').toString('base64')}`;

function signerOf(secret: string): Webhook {
  try {
    return new Webhook(secret);
  } catch (cause) {
    const hint = 'It is the text that begins with whsec_, as shown where the webhook was made.';
    throw new AppError('The webhook secret cannot be read.', {
      code: 'bad-webhook-secret',
      disposition: 'usage',
      hint,
      cause,
    });
  }
}

interface Message {
  readonly no: number;
  readonly id: string;
  readonly payload: string;
  readonly attempts: number;
  readonly dueAt: number;
}

export class Webhooks {
  private readonly signer: Webhook;
  private readonly schedule: readonly number[];
  private readonly wanted: ReadonlySet<WebhookEvent>;
  private waker = new AbortController();
  private readonly stopping = new AbortController();
  private readonly inFlight = new Map<number, Promise<void>>();
  private work: Promise<void> | undefined;

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly options: WebhookOptions,
    private readonly stats: Stats,
    private readonly log: (line: string) => void,
  ) {
    this.signer = signerOf(options.missign === true ? WRONG_SECRET : options.secret);
    this.schedule = options.retryScheduleMs ?? SVIX_SCHEDULE_MS;
    this.wanted = new Set(options.events ?? ['ingest.batch.completed', 'episode.processed']);
  }

  /** What the processor tells; called inside its transactions. */
  events(): ProcessorEvents {
    return {
      ...(this.wanted.has('episode.processed')
        ? { episodeProcessed: (batch: ActiveBatch, seq: number) => this.episodeProcessed(batch, seq) }
        : {}),
      batchCompleted: (batch) => this.batchCompleted(batch),
      log: this.log,
    };
  }

  start(): void {
    this.work = this.loop();
  }

  async close(): Promise<void> {
    this.stopping.abort(new Error('the server stops'));
    this.waker.abort();
    await this.work;
  }

  private batchCompleted(batch: Batch): void {
    if (!batch.visible || !this.wanted.has('ingest.batch.completed')) return;
    this.enqueue(batch.project, {
      event_name: 'ingest.batch.completed',
      batch_id: batch.uuid,
      completed_at: isoTime(batch.completedAt ?? this.clock.date()),
    });
  }

  private episodeProcessed(active: ActiveBatch, seq: number): void {
    const target = this.store.targets.byNumber(active.targets[active.targetOf[seq] ?? 0] ?? 0);
    const owner = target?.parent === undefined ? target : this.store.targets.byNumber(target.parent);
    const chunk = this.store.chunks.placeOf(active.no, seq);
    if (owner === undefined || chunk === undefined) return;
    this.enqueue(active.project, {
      event_name: 'episode.processed',
      episode_uuid: chunk.ids.episode(seq - chunk.first),
      source: active.sourceOf(seq),
      completed_at: isoTime(this.clock.date()),
      ...(owner.kind === 'user'
        ? { graph_type: 'user', user_id: owner.id }
        : { graph_type: 'graph', graph_id: owner.id }),
    });
  }

  private enqueue(
    project: number,
    event: { readonly event_name: WebhookEvent } & Readonly<Record<string, string>>,
  ): void {
    const { event_name, ...rest } = event;
    const row = this.store.db.prepare('SELECT uuid FROM projects WHERE no = ?').get(project);
    const payload = { event_name, account_uuid: this.store.accountUuid, project_uuid: String(row?.uuid), ...rest };
    const dueAt = this.clock.date() + (this.options.delayMs ?? 0);
    this.store.db
      .prepare('INSERT INTO webhooks (id, payload, attempts, due_at) VALUES (?, ?, 0, ?)')
      .run(`msg_${randomUUID().replaceAll('-', '')}`, JSON.stringify(payload), dueAt);
    this.waker.abort();
  }

  /** The earliest that are not in flight: as many as can be, and one more to tell when to look again. */
  private next(): Message[] {
    return this.store.db
      .prepare('SELECT no, id, payload, attempts, due_at FROM webhooks ORDER BY due_at, no LIMIT ?')
      .all(AT_ONCE + 1)
      .map((row) => ({
        no: Number(row.no),
        id: String(row.id),
        payload: String(row.payload),
        attempts: Number(row.attempts),
        dueAt: Number(row.due_at),
      }))
      .filter(({ no }) => !this.inFlight.has(no));
  }

  private async loop(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      this.waker = new AbortController();
      let waitMs = RETRY_MS;
      try {
        waitMs = this.launch();
      } catch (error) {
        this.waits(error);
      }
      await this.clock.sleep(waitMs, this.waker.signal).catch(() => undefined);
    }
    await Promise.all(this.inFlight.values());
  }

  /** Starts what is due while there is room, so that a receiver slow with one message holds up none but that; milliseconds to the next look. */
  private launch(): number {
    const now = this.clock.date();
    for (const message of this.next()) {
      if (message.dueAt > now) return Math.min(message.dueAt - now, IDLE_MS);
      if (this.inFlight.size === AT_ONCE) break;
      const sent = this.attempt(message).catch(async (error: unknown) => {
        this.waits(error);
        await waitUnless(this.clock, RETRY_MS, [this.stopping.signal]).catch(() => undefined);
      });
      this.inFlight.set(
        message.no,
        sent.finally(() => {
          this.inFlight.delete(message.no);
          this.waker.abort();
        }),
      );
    }
    return IDLE_MS;
  }

  private waits(error: unknown): void {
    this.log(`webhooks wait: ${failureText(error)}`);
  }

  private async attempt(message: Message): Promise<void> {
    let delivered = await this.post(message);
    if (delivered && this.options.duplicate === true) delivered = (await this.post(message)) || delivered;
    if (this.stopping.signal.aborted && !delivered) return;
    const waitMs = this.schedule[message.attempts];
    if (delivered || waitMs === undefined) {
      this.store.db.prepare('DELETE FROM webhooks WHERE no = ?').run(message.no);
      if (delivered) this.stats.counters.webhooksDelivered += 1;
      else this.stats.counters.webhooksFailed += 1;
      return;
    }
    const dueAt = this.clock.date() + waitMs * (1 + this.random() / 10);
    this.store.db
      .prepare('UPDATE webhooks SET attempts = attempts + 1, due_at = ? WHERE no = ?')
      .run(Math.round(dueAt), message.no);
  }

  /** True for a 2xx answer in time; a redirect is a failure. */
  private async post({ id, payload }: Message): Promise<boolean> {
    const sentAt = new Date(this.clock.date());
    try {
      const response = await fetch(this.options.url, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'Svix-Webhooks/1.0 (zep-import local server)',
          'svix-id': id,
          'svix-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
          'svix-signature': this.signer.sign(id, sentAt, payload),
        },
        body: payload,
        signal: AbortSignal.any([this.stopping.signal, AbortSignal.timeout(this.options.timeoutMs ?? TIMEOUT_MS)]),
      });
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  }
}
