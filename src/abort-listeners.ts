/**
 * Many short waits on one signal that lives long. A listener that was removed from an AbortSignal goes on pointing to those that came after it, so
 * that once the first of them has grown old, the collector keeps all that follow, each with what it holds: every call of a run, with its body.
 * Here a signal has one listener for all, and who is done is forgotten.
 */
type Listener = () => void;

class Listeners {
  readonly #places: (Listener | undefined)[] = [];
  readonly #free: number[] = [];

  add(listener: Listener): () => void {
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = listener;
    return () => {
      if (this.#places[place] !== listener) return;
      this.#places[place] = undefined;
      this.#free.push(place);
    };
  }

  tell(): void {
    for (let place = 0; place < this.#places.length; place++) this.#places[place]?.();
  }
}

const ofSignal = new WeakMap<AbortSignal, Listeners>();

/** Calls the listener when the signal is aborted; not when it is already. Returns what ends that: call it once the wait is over. */
export function onAbort(signal: AbortSignal | undefined, listener: Listener): () => void {
  if (signal === undefined) return nothing;
  let listeners = ofSignal.get(signal);
  if (listeners === undefined) {
    const all = new Listeners();
    signal.addEventListener('abort', () => all.tell(), { once: true });
    ofSignal.set(signal, all);
    listeners = all;
  }
  return listeners.add(listener);
}

function nothing(): void {}
