/** `audit`: proves the books of a run. Only an answer to every question is a proof: a service that cannot be asked is an error. */
import { auditText } from '../../progress/audit-text.js';
import { jsonLine } from '../../progress/escape.js';
import { auditJson } from '../../progress/run-json.js';
import { chooseColor, chooseWidth } from '../../progress/terminal.js';
import { auditRun } from '../../run/audit.js';
import { lineOf } from '../../run/report-run.js';
import { EXIT } from '../exit-codes.js';
import { print, type Io } from '../io.js';
import { factsOf, openSessionOf, tellNext, tellWaiting, withKnownRun } from '../known-runs.js';
import { sameProject } from '../next-command.js';
import type { Values } from '../options.js';
import { sortOfProcess } from '../sorting.js';

export async function audit(args: readonly string[], values: Values, io: Io): Promise<void> {
  await withKnownRun(args, values, io, async ({ ledger, run, state }) => {
    const facts = await factsOf(run, state, values);
    const session = await openSessionOf(run, values, io, { onWait: tellWaiting(values, io) });
    try {
      const { api } = session;
      const proof = await auditRun({ api, ledger }, run, {
        isDeep: values.deep === true,
        isRunning: facts.isRunning,
        sort: sortOfProcess(state, io),
      });
      const isWrong = proof.checks.some(({ verdict }) => verdict === 'wrong');
      const after = isWrong ? sameProject(['status', run.id], values) : sameProject(['receipt', run.id], values);
      const report = { ...proof, next: lineOf(ledger, run, facts).next ?? after };
      const exitCode = isWrong ? EXIT.finishedWithErrors : EXIT.ok;
      const color = chooseColor(values.color ? undefined : false, io.stdout, io.env);
      const text =
        values.output === 'json'
          ? jsonLine(auditJson(report, exitCode))
          : auditText(report, { color, columns: chooseWidth(io.stdout, io.env) });
      await print(io.stdout, text);
      await tellNext(report.next, values, io);
      io.exitCode = exitCode;
    } finally {
      await session.close();
    }
  });
}
