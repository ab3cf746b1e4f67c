/**
 * The door of progress: picks a renderer for the terminal at hand and makes sure that it cannot fail the run. Renderers and their
 * libraries are loaded only when they are used, because most commands draw nothing. Every renderer tells an `exit-error` event exactly
 * once; nobody else needs to print it. The process appears here only as the default of `onExit`: a cursor that stays hidden after a
 * crash is worse than an exception to the rule that only the command line knows it.
 */
import type { Clock } from '../clock.js';
import type { Observe } from '../events.js';
import type { Drawing, Every, OnExit, RendererParts } from './renderer.js';
import {
  chooseColor,
  chooseColumns,
  chooseMode,
  chooseUnicode,
  type Environment,
  type ProgressMode,
} from './terminal.js';
import { createWriter, type OutputStream } from './writer.js';

export type { Environment, ProgressMode } from './terminal.js';
export type { OutputStream } from './writer.js';

export interface RendererOptions {
  readonly mode: ProgressMode;
  /** Where to write: stderr, or anything alike. */
  readonly stream: OutputStream;
  readonly env: Environment;
  /** Only the error that ends the run (json: and the summary). */
  readonly quiet: boolean;
  /** Also batches as they change, and in plain lines every add call. */
  readonly verbose: boolean;
  /** The flag, when there was one; otherwise terminal and environment decide. */
  readonly color?: boolean | undefined;
  readonly clock: Clock;
  /**
   * Print the last lines on this stream as well, for runs whose stdout carries JSON. Off by default: the last lines are the result, and
   * the result belongs to stdout.
   */
  readonly summary?: boolean | undefined;
  /** How to be called when the process exits; by default its own `exit` event. */
  readonly onExit?: OnExit | undefined;
  /** A repeating timer; by default one that does not keep the process alive. */
  readonly every?: Every | undefined;
}

export interface Renderer {
  /** The mode in use, which `auto` and the terminal decided. */
  readonly mode: Exclude<ProgressMode, 'auto'>;
  /** Never throws, never waits. */
  readonly observe: Observe;
  /** Leaves the terminal as it was found. May be called again. After a summary or an exit-error it has already happened. */
  close(): void;
}

export async function createRenderer(options: RendererOptions): Promise<Renderer> {
  const { stream, env, quiet, verbose } = options;
  const mode = chooseMode(options.mode, stream, env, quiet);
  const color = mode === 'bar' && chooseColor(options.color, stream, env);
  const drawing = await load(mode, {
    stream,
    writer: createWriter(stream),
    env,
    clock: options.clock,
    color,
    unicode: chooseUnicode(env),
    quiet,
    verbose,
    summaryText: options.summary === true && mode !== 'json' ? await loadSummary(options, color) : () => '',
    every: options.every ?? everyUnref,
    onExit: options.onExit ?? onProcessExit,
  });
  return {
    mode,
    observe: (event) => {
      attempt(() => {
        drawing.observe(event);
      });
    },
    close: () => {
      attempt(drawing.close);
    },
  };
}

async function loadSummary({ stream, env }: RendererOptions, color: boolean): Promise<RendererParts['summaryText']> {
  const { summaryText } = await import('./summary.js');
  return (summary) => {
    const columns = stream.isTTY === true ? chooseColumns(stream, env) : undefined;
    return summaryText(summary, { color, columns });
  };
}

async function load(mode: Exclude<ProgressMode, 'auto'>, parts: RendererParts): Promise<Drawing> {
  switch (mode) {
    case 'bar':
      return (await import('./bar.js')).createBar(parts);
    case 'plain':
      return (await import('./plain.js')).createPlain(parts);
    case 'json':
      return (await import('./json.js')).createJson(parts);
    case 'none':
      return (await import('./none.js')).createNone(parts);
  }
}

/** A display that fails is a smaller evil than an import that stops. */
function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // Nothing to tell and nowhere to tell it.
  }
}

const everyUnref: Every = (ms, act) => {
  const timer = setInterval(() => {
    attempt(act);
  }, ms);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
};

const onProcessExit: OnExit = (restore) => {
  process.once('exit', restore);
  return () => process.off('exit', restore);
};
