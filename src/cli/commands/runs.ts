/** `runs`: all runs of the state folder. `runs prune`: forgets those that are over. Neither asks the service. */
import { usageError } from '../../errors.js';
import { RUN_CONDITIONS, type RunLine } from '../../run-report.js';
import { jsonLine } from '../../progress/escape.js';
import { prunedJson, runsJson } from '../../progress/run-json.js';
import { prunedText, runsText, type Pruned } from '../../progress/runs-text.js';
import { chooseColor, chooseWidth } from '../../progress/terminal.js';
import { bytesBelow, folderOfRun, forgetRun, planPrune } from '../../run/prune-runs.js';
import { lineOf } from '../../run/report-run.js';
import { EXIT } from '../exit-codes.js';
import { pageOf, pageText } from '../list-page.js';
import { print, type Io } from '../io.js';
import { factsOf, openBooks, runsFolder, tellNext } from '../known-runs.js';
import { sameProject } from '../next-command.js';
import type { Values } from '../options.js';
import { stateDir } from '../state-dir.js';

export async function runs(_args: readonly string[], values: Values, io: Io): Promise<void> {
  const state = stateDir(values.stateDir, io.env);
  const page = pageOf(values);
  refuseUnknownState(page.status);
  const ledger = await openBooks(values, io);
  const lines: RunLine[] = [];
  let more = false;
  try {
    let passed = 0;
    for (const run of ledger?.runs.all() ?? []) {
      if (ledger === undefined) break;
      const line = lineOf(ledger, run, await factsOf(run, state, values));
      if (page.status !== undefined && line.condition !== page.status) continue;
      if (passed++ < page.skip) continue;
      more = lines.length >= page.limit;
      if (more) break;
      lines.push(line);
    }
  } finally {
    ledger?.close();
  }
  const color = chooseColor(values.color ? undefined : false, io.stdout, io.env);
  const text =
    values.output === 'json'
      ? jsonLine(runsJson(lines, more))
      : runsText(lines, { color, columns: chooseWidth(io.stdout, io.env) });
  await print(io.stdout, text);
  if (more && values.quiet !== true) await print(io.stderr, pageText(page, lines.length, 'newest'));
  const [newest] = lines;
  const waiting = lines.find((line) => line.next !== undefined);
  await tellNext(waiting?.next ?? (newest && sameProject(['status', newest.run], values)), values, io);
  io.exitCode = EXIT.ok;
}

function refuseUnknownState(status: string | undefined): void {
  if (status === undefined || RUN_CONDITIONS.some((condition) => condition === status)) return;
  throw usageError('no-such-state', `no run is ever ${status}`, `--status takes ${RUN_CONDITIONS.join(', ')}`);
}

export async function prune(_args: readonly string[], values: Values, io: Io): Promise<void> {
  const { keep, olderThan: olderThanMs } = values;
  if (keep === undefined && olderThanMs === undefined) {
    throw usageError(
      'prune-what',
      'runs prune needs to know which runs may go',
      'say --keep N (the newest N stay), --older-than 90d, or both; --dry-run shows what they would do',
    );
  }
  const folder = runsFolder(stateDir(values.stateDir, io.env));
  const isDryRun = values.dryRun === true;
  const ledger = await openBooks(values, io);
  let pruned: Pruned = { isDryRun, forgotten: [], kept: [] };
  try {
    if (ledger !== undefined) {
      const plan = planPrune(ledger, { keep, olderThanMs, nowMs: Date.now() });
      const forgotten = plan.forget.map(({ id, name }) => {
        const bytes = bytesBelow(folderOfRun(folder, id) ?? '');
        if (!isDryRun) forgetRun(ledger, folder, id);
        return { run: id, name, bytes };
      });
      const kept = plan.keep.map(({ next, ...each }) => ({
        ...each,
        next: next === undefined ? undefined : sameProject(next, values),
      }));
      pruned = { isDryRun, forgotten, kept };
    }
  } finally {
    ledger?.close();
  }
  await print(io.stdout, values.output === 'json' ? jsonLine(prunedJson(pruned)) : prunedText(pruned));
  await tellNext(sameProject(['runs'], values), values, io);
  io.exitCode = EXIT.ok;
}
