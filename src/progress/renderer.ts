/** What every renderer is given, decided once by `createRenderer`; and what it gives back. */
import type { Clock } from '../clock.js';
import type { Observe, RunSummary } from '../events.js';
import type { Environment } from './terminal.js';
import type { OutputStream, Writer } from './writer.js';

export interface RendererParts {
  readonly stream: OutputStream;
  readonly writer: Writer;
  readonly env: Environment;
  readonly clock: Clock;
  readonly color: boolean;
  readonly unicode: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** The last lines of a run, or nothing when they are printed elsewhere. */
  readonly summaryText: (summary: RunSummary) => string;
  readonly every: Every;
  readonly onExit: OnExit;
}

/** Calls `act` every `ms` without keeping the process alive; returns the way to stop it. */
export type Every = (ms: number, act: () => void) => () => void;

/** Has `restore` called when the process exits; returns the way to take that back. */
export type OnExit = (restore: () => void) => () => void;

/** Neither function may throw or wait. `close` may be called more than once. */
export interface Drawing {
  readonly observe: Observe;
  readonly close: () => void;
}
