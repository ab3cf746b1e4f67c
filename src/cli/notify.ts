/** `--notify`: the end of a run as a message in the form of Standard Webhooks, `run.ended`, with the summary that `-o json` prints. */
import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { systemClock } from '../clock.js';
import { usageError } from '../errors.js';
import type { Observe } from '../events.js';
import { deliver, webhookAddress } from '../remote/webhook.js';
import type { Io } from './io.js';
import { packageVersion } from './version.js';

export const NOTIFY_SECRET = 'ZEP_IMPORT_NOTIFY_SECRET';

/** Sends it; a failure is a notice. Resolves in about ten seconds at most, and never rejects. */
export type Notify = (data: Record<string, unknown>, observe: Observe, stop: AbortSignal | undefined) => Promise<void>;

/** Throws usageError for an address or a secret that cannot be used; neither is repeated. */
export function notifierOf(url: string, { env }: Io): Notify {
  const address = webhookAddress(url, env);
  const signer = signerOf(env[NOTIFY_SECRET]?.trim());
  return async (data, observe, stop) => {
    const notice = (level: 'info' | 'warning', code: string, message: string, hint?: string): void =>
      observe({ type: 'notice', level, code, message, hint });
    if (signer === undefined) {
      const hint = `set ${NOTIFY_SECRET} to a secret that begins with whsec_`;
      notice('info', 'notify-unsigned', `the notification to ${address.host} is not signed`, hint);
    }
    const id = `msg_${randomUUID().replaceAll('-', '')}`;
    const body = JSON.stringify({ type: 'run.ended', timestamp: new Date().toISOString(), data });
    const sign = signer === undefined ? undefined : (at: Date): string => signer.sign(id, at, body);
    const delivery = await deliver(
      address,
      { id, body, sign },
      { clock: systemClock, env, userAgent: `zep-import/${packageVersion()}`, signal: stop },
    );
    if (delivery.ok) return;
    const { tries, reason } = delivery;
    const times = tries === 1 ? '1 try' : `${tries} tries`;
    notice('warning', 'notify-failed', `the notification could not be delivered: ${reason} (${times})`);
  };
}

function signerOf(secret: string | undefined): Webhook | undefined {
  if (secret === undefined || secret === '') return undefined;
  try {
    return new Webhook(secret);
  } catch {
    throw usageError(
      'bad-notify-secret',
      `the secret in ${NOTIFY_SECRET} cannot be read`,
      'it is whsec_ and a key in base64, e.g. whsec_ and what openssl rand -base64 32 prints',
    );
  }
}
