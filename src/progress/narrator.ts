/**
 * What is said in lines, by the bar above itself and by plain output: who runs, notices, the first distinct rejects and failures, the
 * error at the end. Everything that could come a million times is sampled, and what was held back is counted at the end.
 */
import { describePosition, type Position } from '../model.js';
import { BATCH_STATUSES } from '../wire.js';
import type { BatchCounts, RunEvent } from '../events.js';
import { findBatch, isTerminal } from './batch-book.js';
import { cut, printable } from './escape.js';
import { bytes, count, counted } from './format.js';
import { createSampler, type Sampler } from './sampler.js';
import type { ProgressState } from './state.js';

export interface Line {
  readonly kind: 'info' | 'detail' | 'warning' | 'error' | 'hint';
  readonly text: string;
}

export interface NarratorOptions {
  /** Only errors that end the run. */
  readonly quiet: boolean;
  /** Also batches as they go through their states. */
  readonly verbose: boolean;
  /** Also every add call. */
  readonly chunks: boolean;
}

export interface Narrator {
  /** Lines for an event; `before` is the state it met. */
  tell(event: RunEvent, before: ProgressState): readonly Line[];
  /** What was counted and not shown; to be said once, at the end. */
  remainder(): readonly Line[];
}

const SHOWN = 5;
const MAX_NOTICE_CODES = 100;
const MAX_KEY = 200;
const KNOWN_STATUSES: ReadonlySet<string> = new Set([...BATCH_STATUSES, 'deleted', '']);

const NOTHING: readonly Line[] = [];

export function createNarrator(options: NarratorOptions): Narrator {
  if (options.quiet) {
    return { tell: (event) => (event.type === 'exit-error' ? exitLines(event) : NOTHING), remainder: () => NOTHING };
  }
  const rejects = createSampler(SHOWN);
  const failures = createSampler(SHOWN);
  const troubles = createSampler(SHOWN);
  const strangers = createSampler(SHOWN);
  const notices = new Map<string, Sampler>();
  let told = false;

  function notice(event: EventOf<'notice'>): readonly Line[] {
    let sampler = notices.get(event.code);
    if (sampler === undefined) {
      if (notices.size >= MAX_NOTICE_CODES) return NOTHING;
      notices.set(event.code, (sampler = createSampler(SHOWN)));
    }
    return sampler.admit(cut(event.message, MAX_KEY)) ? noticeLines(event) : NOTHING;
  }

  return {
    tell(event, before) {
      switch (event.type) {
        case 'started':
          return [{ kind: 'info', text: startedText(event) }];
        case 'rejected': {
          const { stage, code, message } = event.rejection;
          return rejects.admit(`${stage} ${code} ${cut(message, MAX_KEY)}`) ? [rejectLine(event)] : NOTHING;
        }
        case 'item-failed':
          return failures.admit(`${event.code ?? ''} ${cut(event.message, MAX_KEY)}`) ? [failureLine(event)] : NOTHING;
        case 'notice':
          return notice(event);
        case 'batch':
          return batchLines(event, before, options.verbose, troubles, strangers);
        case 'chunk':
          return options.chunks ? [{ kind: 'detail', text: chunkText(event) }] : NOTHING;
        case 'exit-error':
          return exitLines(event);
        case 'phase':
        case 'read':
        case 'input-end':
        case 'known':
        case 'lanes':
        case 'destinations':
        case 'waiting':
        case 'summary':
          return NOTHING;
      }
    },
    remainder() {
      if (told) return NOTHING;
      told = true;
      const lines: Line[] = [];
      const more = (hidden: number, what: string): void => {
        if (hidden > 0) lines.push({ kind: 'warning', text: `and ${count(hidden)} more ${what}` });
      };
      more(rejects.hidden, 'rejected');
      more(failures.hidden, 'failed at the service');
      more(troubles.hidden, 'such batches');
      for (const [code, sampler] of notices) more(sampler.hidden, `notices of this kind: ${printable(code, 80)}`);
      return lines;
    },
  };
}

type EventOf<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>;

function startedText(event: EventOf<'started'>): string {
  const parts: string[] = [];
  if (event.project !== '') parts.push(`project ${printable(event.project, 200)}`);
  if (event.host !== '') parts.push(`at ${printable(event.host, 200)}`);
  const where = parts.length === 0 ? [] : [parts.join(' ')];
  if (event.keyOrigin !== '') where.push(`key from ${printable(event.keyOrigin, 200)}`);
  if (event.run !== '' && event.command !== 'check') {
    where.push(`${event.resumed !== undefined ? 'going on with run' : 'run'} ${printable(event.run, 200)}`);
  }
  const size = event.totalBytes === undefined ? '' : ` (${bytes(event.totalBytes)})`;
  where.push(`${counted(event.sources, 'source')}${size}`);
  for (const { name, value, origin } of event.settings ?? []) {
    where.push(`${printable(name, 50)} = ${printable(value, 100)} from ${printable(origin, 200)}`);
  }
  return `zep-import ${event.command}: ${where.join(', ')}`;
}

function rejectLine(event: EventOf<'rejected'>): Line {
  const { position, item, field, message, stage, code } = event.rejection;
  const details = [
    ...(item === undefined ? [] : [`item ${item + 1}`]),
    ...(field === undefined ? [] : [printable(field, 100)]),
  ];
  const within = details.length === 0 ? '' : ` (${details.join(', ')})`;
  return {
    kind: 'warning',
    text: `rejected ${place(position)}${within}: ${printable(message)} [${stage} ${printable(code, 80)}]`,
  };
}

function failureLine(event: EventOf<'item-failed'>): Line {
  const from = event.position === undefined ? '' : `${place(event.position)} `;
  const where = `${from}(batch ${printable(event.batch, 100)}, item ${event.index})`;
  const code = event.code === undefined ? '' : ` [${printable(event.code, 80)}]`;
  return { kind: 'warning', text: `${printable(event.status, 40)} ${where}: ${printable(event.message)}${code}` };
}

function noticeLines(event: EventOf<'notice'>): readonly Line[] {
  const warning = event.level === 'warning';
  const line: Line = {
    kind: warning ? 'warning' : 'info',
    text: `${warning ? 'warning: ' : ''}${printable(event.message)}`,
  };
  return event.hint === undefined ? [line] : [line, { kind: 'hint', text: `  ${printable(event.hint)}` }];
}

/** A list of mistakes is a line each. */
function exitLines(event: EventOf<'exit-error'>): readonly Line[] {
  const [first = '', ...others] = event.message.split('\n').map((text) => printable(text, 4000));
  const lines: Line[] = [{ kind: 'error', text: `error: ${first} [${printable(event.code, 80)}]` }];
  for (const text of others) lines.push({ kind: 'error', text: `  ${text}` });
  if (event.hint !== undefined) lines.push({ kind: 'hint', text: `  ${printable(event.hint, 4000)}` });
  return lines;
}

function chunkText(event: EventOf<'chunk'>): string {
  return `lane ${event.lane}: ${counted(event.items, 'item')} ${event.phase}, batch ${printable(event.batch, 100)}`;
}

/** A batch is worth a line when it ended badly or says a word we do not know; when verbose, at every change of its status. */
function batchLines(
  event: EventOf<'batch'>,
  before: ProgressState,
  verbose: boolean,
  troubles: Sampler,
  strangers: Sampler,
): readonly Line[] {
  const known = findBatch(before.book, event.batch);
  if (known?.status === event.status) return NOTHING;
  const text = `batch ${event.number} (${printable(event.batch, 100)}): ${printable(event.status, 80)}${counts(event.counts)}`;
  if (!KNOWN_STATUSES.has(event.status)) {
    const line: Line = { kind: 'warning', text: `${text}; this version does not know that status and goes on asking` };
    return verbose || strangers.admit(cut(event.status, MAX_KEY)) ? [line] : NOTHING;
  }
  if (isTerminal(event.status) && event.status !== 'succeeded') {
    return verbose || troubles.admit(event.batch) ? [{ kind: 'warning', text }] : NOTHING;
  }
  return verbose ? [{ kind: 'detail', text }] : NOTHING;
}

function counts(of: BatchCounts | undefined): string {
  if (of === undefined) return '';
  const parts = [`${count(of.succeeded)} of ${count(of.total)} succeeded`];
  if (of.failed > 0) parts.push(`${count(of.failed)} failed`);
  if (of.skipped > 0) parts.push(`${count(of.skipped)} skipped`);
  if (of.canceled > 0) parts.push(`${count(of.canceled)} canceled`);
  return `, ${parts.join(', ')}`;
}

function place(position: Position): string {
  return printable(describePosition(position), 300);
}
