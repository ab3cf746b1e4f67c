/** A renderer with a clock, timers and an exit that a test can move. */
import { createRenderer, type OutputStream, type Renderer, type RendererOptions } from '../../../src/progress/index.js';
import { manualClock, memoryStream, type ManualClock } from './samples.js';

export interface UnderTest extends Renderer {
  readonly clock: ManualClock;
  /** Lets time pass in steps of a second, with the timers that are due. */
  pass(ms: number): void;
  readonly timers: ReadonlySet<() => void>;
  /** What the end of the process would do. */
  exit(): void;
}

type Options = Partial<Omit<RendererOptions, 'clock' | 'every' | 'onExit'>>;

export async function rendererUnderTest(
  options: Options & { readonly stream?: OutputStream } = {},
): Promise<UnderTest> {
  const clock = manualClock();
  const timers = new Set<() => void>();
  const exits = new Set<() => void>();
  const renderer = await createRenderer({
    mode: 'auto',
    stream: memoryStream(),
    env: {},
    quiet: false,
    verbose: false,
    ...options,
    clock,
    every: (_, act) => {
      timers.add(act);
      return () => timers.delete(act);
    },
    onExit: (restore) => {
      exits.add(restore);
      return () => exits.delete(restore);
    },
  });
  return {
    ...renderer,
    clock,
    timers,
    pass(ms) {
      for (let passed = 0; passed < ms; passed += 1000) {
        clock.advance(1000);
        for (const act of timers) act();
      }
    },
    exit() {
      for (const restore of exits) restore();
    },
  };
}
