/** The measured importer's other side: starts `sink-process` and asks it what it has seen. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How the service answers; nothing given: at once, and as often as it is asked. */
export interface SinkSettings {
  readonly latencyMs?: number;
  /** Calls a minute. */
  readonly rateLimit?: number;
  /** Whether answers tell of the limit. */
  readonly rateHeaders?: boolean;
}

export interface SinkFacts {
  /** All calls, refused ones included. */
  readonly calls: number;
  /** Calls that were answered with 429. */
  readonly refused: number;
  readonly adds: number;
  readonly items: number;
  /** When the first whole add call was there (ms since 1970). */
  readonly firstAddAt: number | undefined;
}

export type SinkOrder =
  | { readonly kind: 'facts' }
  | { readonly kind: 'tell-at'; readonly items: number }
  | { readonly kind: 'reset'; readonly forget: boolean };

export interface Sink {
  readonly url: string;
  facts(): Promise<SinkFacts>;
  /** Counts from zero again; `forget` loses the batches too. */
  reset(forget: boolean): Promise<void>;
  /** Resolves with the next first add. */
  firstAdd(): Promise<void>;
  /** Resolves when so many items were added. */
  reached(items: number): Promise<void>;
  stop(): void;
}

export const NOTHING_SEEN: SinkFacts = { calls: 0, refused: 0, adds: 0, items: 0, firstAddAt: undefined };

interface Told {
  readonly kind: string;
  readonly url?: string;
  readonly facts?: SinkFacts;
}

export async function startSink(settings: SinkSettings = {}): Promise<Sink> {
  const child = fork(fileURLToPath(new URL('./sink-process.js', import.meta.url)), [JSON.stringify(settings)]);
  const told = (kind: string): Promise<Told> =>
    new Promise((resolve, reject) => {
      const listen = (message: Told): void => {
        if (message.kind !== kind) return;
        child.off('message', listen);
        child.off('exit', fail);
        resolve(message);
      };
      const fail = (): void => reject(new Error('the sink ended'));
      child.on('message', listen);
      child.once('exit', fail);
    });
  child.setMaxListeners(0);
  const { url = '' } = await told('ready');
  const order = (message: SinkOrder): void => void child.send(message);
  return {
    url,
    async facts() {
      const answer = told('facts');
      order({ kind: 'facts' });
      return (await answer).facts ?? NOTHING_SEEN;
    },
    async reset(forget) {
      const answer = told('forgotten');
      order({ kind: 'reset', forget });
      await answer;
    },
    async firstAdd() {
      await told('first-add');
    },
    async reached(items) {
      order({ kind: 'tell-at', items });
      await told('reached');
    },
    stop: () => void child.kill(),
  };
}
