/**
 * Many short waits on one signal that lives long. A listener that was removed from an AbortSignal goes on pointing to those that came after it, so
 * that once the first of them has grown old, the collector keeps all that follow, each with what it holds: every call of a run, with its body.
 * Here a signal has one listener for all, and who is done is forgotten. It goes when nobody waits: a signal made of others for one wait lives as long
 * as it has a listener.
 */
type Listener = () => void;

class Listeners {
  readonly #signal: AbortSignal;
  readonly #places: (Listener | undefined)[] = [];
  readonly #free: number[] = [];

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#tell, { once: true });
  }

  add(listener: Listener): () => void {
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = listener;
    return () => {
      if (this.#places[place] !== listener) return;
      this.#places[place] = undefined;
      this.#free.push(place);
      if (this.#free.length === this.#places.length) this.#end();
    };
  }

  readonly #tell = (): void => {
    for (let place = 0; place < this.#places.length; place++) this.#places[place]?.();
  };

  #end(): void {
    this.#signal.removeEventListener('abort', this.#tell);
    ofSignal.delete(this.#signal);
  }
}

const ofSignal = new WeakMap<AbortSignal, Listeners>();

/** Calls the listener when the signal is aborted; not when it is already. Returns what ends that: call it once the wait is over. */
export function onAbort(signal: AbortSignal | undefined, listener: Listener): () => void {
  if (signal === undefined) return nothing;
  let listeners = ofSignal.get(signal);
  if (listeners === undefined) {
    listeners = new Listeners(signal);
    ofSignal.set(signal, listeners);
  }
  return listeners.add(listener);
}

function nothing(): void {}
