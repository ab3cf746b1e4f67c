/**
 * Progress outside of the text: terminals that know the sequence OSC 9;4 show it in their tab, title or task bar, red when something went wrong.
 * Only terminals that are known to know it get it, because others take OSC 9 for a notification; and none behind tmux or screen, which do
 * not pass it on.
 */
import { processShare, processingBegan, uploadShare } from './measures.js';
import type { RendererParts } from './renderer.js';
import type { ProgressState } from './state.js';
import type { Environment } from './terminal.js';

export interface TabProgress {
  /** To be called when the state has changed. */
  update(): void;
  /** Takes it away. May be called again. */
  close(): void;
}

const NORMAL = 1;
const ERROR = 2;
const INDETERMINATE = 3;
const CLEAR = sequence('0');

/** Ghostty takes down what was not repeated for 15 s, and asks for once a second. */
const REPEAT_MS = 1_000;

/** The first that knows it. Of WezTerm, the day of its build. */
const ITERM: readonly number[] = [3, 6, 6];
const WEZTERM_DAY = 20_250_209;

export function knowsTabProgress(env: Environment): boolean {
  if (isSet(env.TMUX) || isSet(env.STY) || /^(tmux|screen)/.test(env.TERM ?? '')) return false;
  if (isSet(env.WT_SESSION) || env.ConEmuANSI === 'ON') return true;
  if (env.TERM === 'xterm-ghostty') return true;
  const version = env.TERM_PROGRAM_VERSION ?? '';
  const program = env.TERM_PROGRAM;
  if (program === 'WezTerm') return Number(/^(\d{8})/.exec(version)?.[1] ?? 0) >= WEZTERM_DAY;
  if (program === 'iTerm.app') return isAtLeast(version.split('.').map(Number), ITERM);
  return program === 'ghostty';
}

/** Nothing at all where the terminal does not know it. */
export function createTabProgress(parts: RendererParts, state: () => ProgressState): TabProgress {
  if (!knowsTabProgress(parts.env)) return { update: () => undefined, close: () => undefined };
  let shown = '';
  let closed = false;
  const stop = parts.every(REPEAT_MS, () => {
    if (shown !== '' && !closed) parts.writer.write(shown);
  });
  return {
    update() {
      const next = tabSequence(state());
      if (closed || next === '' || next === shown) return;
      shown = next;
      parts.writer.write(next);
    },
    close() {
      if (closed) return;
      closed = true;
      stop();
      if (shown !== '') parts.writer.write(CLEAR, true);
    },
  };
}

/** What a terminal is told of a state; nothing before anything was read. Pure. */
export function tabSequence(state: ProgressState): string {
  if (state.phase === 'starting' || state.phase === 'done') return '';
  const isProcessing = state.phase === 'processing' || (state.inputEnded && processingBegan(state));
  const share = isProcessing ? processShare(state) : uploadShare(state);
  const percent = share === undefined ? undefined : Math.floor(share * 100);
  if (state.rejects + state.failedItems > 0) return sequence(`${ERROR};${percent ?? 100}`);
  return sequence(percent === undefined ? `${INDETERMINATE}` : `${NORMAL};${percent}`);
}

function sequence(text: string): string {
  return `\u001b]9;4;${text}\u001b\\`;
}

function isAtLeast(version: readonly number[], least: readonly number[]): boolean {
  for (const [at, wanted] of least.entries()) {
    const part = version[at] ?? 0;
    if (Number.isNaN(part)) return false;
    if (part !== wanted) return part > wanted;
  }
  return true;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
