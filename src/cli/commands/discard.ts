/** `discard`: deletes the drafts of a run that was not delivered, and closes it. What was processed already stays. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { usageError } from '../../errors.js';
import { Marks } from '../../ledger/marks.js';
import { RunLock } from '../../ledger/run-lock.js';
import { jsonLine } from '../../progress/escape.js';
import { giveUpRun } from '../../run/give-up.js';
import { EXIT } from '../exit-codes.js';
import { agrees, print, type Io } from '../io.js';
import { openSessionOf, tellNext, tellWaiting, withKnownRun } from '../known-runs.js';
import { sameProject } from '../next-command.js';
import type { Values } from '../options.js';
import { openRunOf } from './resume.js';

export async function discard(args: readonly string[], values: Values, io: Io): Promise<void> {
  const { id } = await openRunOf(args, values, io, ({ state }) => state === 'open');
  await withKnownRun([id], values, io, async ({ ledger, run, state }) => {
    const batches = ledger.batches.of(run.id);
    const drafts = batches.filter((batch) => ['open', 'closed', 'rebuilding'].includes(batch.state));
    const items = drafts.reduce((sum, batch) => sum + batch.items, 0);
    const question = `Delete ${drafts.length} drafts with ${items} items of run ${run.id}?`;
    if (values.yes !== true && !(await agrees(question, io))) {
      throw usageError(
        'needs-yes',
        `discarding run ${run.id} deletes ${drafts.length} drafts with ${items} items`,
        'say so with --yes',
      );
    }
    const session = await openSessionOf(run, values, io, { onWait: tellWaiting(values, io) });
    const lock = await RunLock.acquire(join(state, 'locks'), run.key, {
      pid: io.pid ?? 0,
      host: hostname(),
      since: new Date().toISOString(),
    });
    const marks = new Marks(ledger.db, run.project, ledger.folder);
    try {
      const { deleted, kept } = await giveUpRun({ api: session.api, ledger, marks, observe: () => undefined }, run);
      const text =
        values.output === 'json'
          ? jsonLine({ type: 'discarded', run: run.id, deleted, kept })
          : `discarded run ${run.id}: ${deleted} items in drafts were deleted${kept === 0 ? '' : `, ${kept} items that were processed stay`}\n`;
      await print(io.stdout, text);
      await tellNext(sameProject(['runs'], values), values, io);
      io.exitCode = EXIT.ok;
    } finally {
      await marks.close();
      lock.release();
      await session.close();
    }
  });
}
