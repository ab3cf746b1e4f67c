/** `receipt`: a line for every row of a run, as it is read from the ledger (and, with `--fresh`, from the service). */
import { receiptCsv, receiptJsonLines } from '../../progress/receipt-text.js';
import { RemoteError } from '../../remote/api.js';
import { listItems } from '../../run/batch-items.js';
import { receiptOf, type AskBatch } from '../../run/receipt.js';
import { lineOf } from '../../run/report-run.js';
import { EXIT } from '../exit-codes.js';
import type { Io } from '../io.js';
import { factsOf, openSessionOf, tellNext, tellWaiting, withKnownRun } from '../known-runs.js';
import { sameProject } from '../next-command.js';
import type { Values } from '../options.js';
import { pour } from '../pour.js';
import type { Session } from '../session.js';

export async function receipt(args: readonly string[], values: Values, io: Io): Promise<void> {
  await withKnownRun(args, values, io, async ({ ledger, run, state }) => {
    const session =
      values.fresh === true ? await openSessionOf(run, values, io, { onWait: tellWaiting(values, io) }) : undefined;
    try {
      const format = values.output === 'json' ? receiptJsonLines : receiptCsv(io.stdout.isTTY === true);
      const pieces = receiptOf(ledger, run.id, session && asker(session));
      await pour(io.stdout, texts(format.head, pieces, format.lines));
      const { next } = lineOf(ledger, run, await factsOf(run, state, values));
      await tellNext(next ?? sameProject(['audit', run.id], values), values, io);
      io.exitCode = EXIT.ok;
    } finally {
      await session?.close();
    }
  });
}

async function* texts<T>(head: string, pieces: AsyncIterable<T>, textOf: (piece: T) => string): AsyncGenerator<string> {
  if (head !== '') yield head;
  for await (const piece of pieces) yield textOf(piece);
}

function asker({ api }: Session): AskBatch {
  return async (batch) => {
    try {
      return await listItems(api, batch);
    } catch (error) {
      if (error instanceof RemoteError && error.status === 404) return undefined;
      throw error;
    }
  };
}
