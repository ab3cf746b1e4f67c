/** `status`: one run, as the ledger knows it and the service tells it now. `--watch` follows it. */
import { systemClock } from '../../clock.js';
import type { RunReport } from '../../run-report.js';
import { jsonLine } from '../../progress/escape.js';
import { createRedraw } from '../../progress/redraw.js';
import { changesBetween } from '../../progress/run-changes.js';
import { statusJson } from '../../progress/run-json.js';
import { liveText, runReportText } from '../../progress/run-report-text.js';
import { chooseColor, chooseMode, chooseWidth } from '../../progress/terminal.js';
import { followRun } from '../../run/follow-run.js';
import { folderOfRun } from '../../run/prune-runs.js';
import { askAbout, batchesToAsk, reportOf, type SeenBatches } from '../../run/report-run.js';
import { EXIT, exitCodeOfCondition } from '../exit-codes.js';
import { print, type Io } from '../io.js';
import {
  factsOf,
  isRunning,
  openSessionOf,
  outOfReach,
  runsFolder,
  tellNext,
  tellWaiting,
  withKnownRun,
  type KnownRun,
} from '../known-runs.js';
import { sameProject } from '../next-command.js';
import type { Values } from '../options.js';
import type { Session } from '../session.js';
import { StoppedEarly, stopsOf } from '../signals.js';

export async function status(args: readonly string[], values: Values, io: Io): Promise<void> {
  await withKnownRun(args, values, io, async (known) => {
    const look = new Look(known, values, io);
    try {
      if (values.watch === true) await watch(look, values, io);
      else await tell(await look.now(), values, io);
    } finally {
      await look.close();
    }
  });
}

/** Looks at a run as often as wanted, over one session that is opened when there is first something to ask. */
class Look {
  readonly #known: KnownRun;
  readonly #values: Values;
  readonly #io: Io;
  #session: Session | undefined;

  constructor(known: KnownRun, values: Values, io: Io) {
    this.#known = known;
    this.#values = values;
    this.#io = io;
  }

  async now(stop?: AbortSignal): Promise<RunReport> {
    const { ledger, state } = this.#known;
    const { seen, staleness } = await this.#ask(stop);
    const run = ledger.runs.byId(this.#known.run.id) ?? this.#known.run;
    const facts = await factsOf(run, state, this.#values);
    return reportOf(ledger, run, { ...facts, folder: folderOfRun(runsFolder(state), run.id) ?? '', seen, staleness });
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }

  async #ask(
    stop: AbortSignal | undefined,
  ): Promise<{ readonly seen: SeenBatches; readonly staleness: string | undefined }> {
    const { ledger, run, state } = this.#known;
    const isBusy = await isRunning(run, state);
    const batches = batchesToAsk(ledger, run.id, isBusy);
    if (batches.length === 0) return { seen: new Map(), staleness: undefined };
    try {
      this.#session ??= await openSessionOf(run, this.#values, this.#io, {
        // While it is followed, the next look says that it is not fresh.
        ...(stop === undefined ? { onWait: tellWaiting(this.#values, this.#io) } : { stop }),
      });
      const { api } = this.#session;
      return { seen: await askAbout({ api, ledger, observe: () => undefined }, batches, stop), staleness: undefined };
    } catch (error) {
      if (stop?.aborted === true && error instanceof StoppedEarly) throw stop.reason;
      const staleness = outOfReach(error, this.#values.watch === true && !isBusy);
      if (staleness === undefined) throw error;
      return { seen: new Map(), staleness };
    }
  }
}

/** Draws in a terminal, tells changes elsewhere; the last word is the same as without `--watch`. */
async function watch(look: Look, values: Values, io: Io): Promise<void> {
  const stops = stopsOf(io, undefined, () => undefined);
  const isDrawn = chooseMode('auto', io.stderr, io.env, values.quiet === true) === 'bar';
  const color = chooseColor(values.color ? undefined : false, io.stderr, io.env);
  const screen = createRedraw(io.stderr);
  let before: RunReport | undefined;
  const show = (report: RunReport): void => {
    if (isDrawn) screen.show(liveText(report, { color, columns: io.stderr.columns }));
    else if (values.quiet !== true)
      io.stderr.write(
        changesBetween(before, report)
          .map((line) => `${line}\n`)
          .join(''),
      );
    before = report;
  };
  try {
    const last = await followRun({ look: () => look.now(stops.soft), show, clock: systemClock }, stops.soft);
    if (isDrawn) screen.clear();
    const signal = stops.signal();
    if (signal !== undefined && values.quiet !== true) {
      await print(io.stderr, 'stopped watching; the service goes on\n');
    }
    const stopped = signal === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted;
    if (last !== undefined) await tell(last, values, io, signal === undefined ? undefined : stopped);
    else if (signal !== undefined) throw new StoppedEarly(stops.reason());
  } finally {
    stops.release();
  }
}

async function tell(report: RunReport, values: Values, io: Io, stopped?: number): Promise<void> {
  const exitCode = stopped ?? exitCodeOfCondition(report.condition, report.books.inDrafts > 0);
  const color = chooseColor(values.color ? undefined : false, io.stdout, io.env);
  const text =
    values.output === 'json'
      ? jsonLine(statusJson(report, exitCode))
      : runReportText(report, { color, columns: chooseWidth(io.stdout, io.env) });
  await print(io.stdout, text);
  await tellNext(report.next ?? sameProject(['audit', report.run], values), values, io);
  io.exitCode = exitCode;
}
