/** `retry`: sends again what was rejected or failed in a run, as a run of its own; or takes it off the list. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, usageError } from '../../errors.js';
import { Ledger } from '../../ledger/ledger.js';
import { Marks } from '../../ledger/marks.js';
import type { StoredRun, StoredSource } from '../../ledger/runs.js';
import type { Source, SourceFormat } from '../../model.js';
import { jsonLine } from '../../progress/escape.js';
import { runKey } from '../../run/open-run.js';
import type { Protocol } from '../../run/protocol.js';
import { forget, listOf, moveTo, takenBy, wantedOf, type RetryList } from '../../run/retry-run.js';
import { Selection } from '../../run/selection.js';
import { discoverSources } from '../../sources/index.js';
import { withReports, type Reports } from '../ci-reports.js';
import { EXIT } from '../exit-codes.js';
import { importSources } from '../import-command.js';
import { mapperOf, mappingOf, sourceOptionsOf, type Inputs } from '../inputs.js';
import { print, type Io } from '../io.js';
import { openBooks, tellNext, withKnownRun } from '../known-runs.js';
import { sameProject } from '../next-command.js';
import type { Values } from '../options.js';
import { stateDir } from '../state-dir.js';
import { openRunOf, typedAgain } from './resume.js';

export async function retry(args: readonly string[], values: Values, io: Io, protocol: Protocol): Promise<void> {
  if (values.forget === true) {
    await forgetIn(await runOf(args, values, io), values, io);
    return;
  }
  await withReports('retry', values, io, async (reports) => {
    await sendAgain(await runOf(args, values, io), undefined, values, io, protocol, reports);
  });
}

/** Goes on with a retry that was interrupted. */
export async function retryAgain(
  retry: StoredRun,
  values: Values,
  io: Io,
  protocol: Protocol,
  reports: Reports,
): Promise<void> {
  const parent = await openRunOf([retry.parent ?? ''], values, io, () => true);
  await sendAgain(parent, retry.id, { ...values, remap: true }, io, protocol, reports);
}

/** The run that is meant: without a word the newest that has something to send again. */
async function runOf(args: readonly string[], values: Values, io: Io): Promise<StoredRun> {
  if (args[0] !== undefined) return openRunOf(args, values, io, () => true);
  const ledger = await openBooks(values, io);
  if (ledger === undefined) return openRunOf(args, values, io, () => true);
  try {
    const found = ledger.runs.all().find(({ id }) => hasAny(listOf(ledger, id, 'open', values.only)));
    if (found !== undefined) return found;
  } finally {
    ledger.close();
  }
  throw nothingToRetry('no run has rejected rows or failed items that nobody has dealt with');
}

function hasAny({ rejects, failures }: RetryList): boolean {
  return rejects.length + failures.length > 0;
}

function nothingToRetry(message: string): AppError {
  return new AppError(message, { code: 'nothing-to-retry', disposition: 'not-found', hint: 'zep-import runs' });
}

async function forgetIn({ id }: StoredRun, values: Values, io: Io): Promise<void> {
  await withKnownRun([id], values, io, async ({ ledger, run }) => {
    const list = listOf(ledger, run.id, 'open', values.only);
    const marks = new Marks(ledger.db, run.project, ledger.folder);
    try {
      forget(ledger, run.id, list, marks);
    } finally {
      await marks.close();
    }
    const { length: rejected } = list.rejects;
    const { length: failed } = list.failures;
    await print(
      io.stdout,
      values.output === 'json'
        ? jsonLine({ type: 'forgotten', run: run.id, rejected, failed })
        : `run ${run.id}: ${rejected} rejected rows and ${failed} failed items are not listed any more\n`,
    );
    await tellNext(sameProject(['status', run.id], values), values, io);
    io.exitCode = EXIT.ok;
  });
}

async function sendAgain(
  parent: StoredRun,
  retryId: string | undefined,
  values: Values,
  io: Io,
  protocol: Protocol,
  reports: Reports,
): Promise<void> {
  if (parent.state === 'open') {
    throw usageError(
      'not-delivered',
      `run ${parent.id} is not delivered yet`,
      `first let it come to its end: zep-import resume ${parent.id}`,
    );
  }
  const { args, values: typed } = typedAgain(parent, values, io);
  const mapping = await mappingOf(typed);
  if ((mapping?.fingerprint ?? 'none') !== parent.mapping && values.remap !== true) {
    throw usageError(
      'mapping-changed',
      `the mapping ${typed.mapping ?? '(none)'} is not what it was in run ${parent.id}`,
      'to send the rows as it maps them now: --remap',
    );
  }
  const folder = stateDir(values.stateDir, io.env);
  const ledger = await Ledger.open(join(folder, 'ledger.db'));
  let selection: Selection;
  let list: RetryList;
  let sources: readonly StoredSource[];
  try {
    const under = retryId ?? ledger.runs.all().find((each) => each.parent === parent.id && each.state === 'open')?.id;
    list = listOf(
      ledger,
      parent.id,
      under === undefined ? 'open' : takenBy(under),
      under === undefined ? values.only : undefined,
    );
    if (!hasAny(list)) throw nothingToRetry(`run ${parent.id} has nothing to send again`);
    sources = ledger.runs.sources(parent.id);
    const documents = new Set(sources.filter(({ format }) => format === 'document').map(({ index }) => index));
    const wanted = wantedOf(ledger, list, (source) => documents.has(source));
    selection = new Selection(wanted, values.remap === true);
  } finally {
    ledger.close();
  }
  const key = runKey(parent.project, { name: `retry of ${parent.id}` });
  await importSources(args, { ...typed, skip: 0, dedupe: true, stageOnly: false, onChanged: 'send' }, io, {
    command: 'run',
    key,
    parent: parent.id,
    protocol,
    reports,
    recalled: (item) => {
      const wanted = selection.wantedOf(item);
      return { mark: wanted?.mark, occurrence: wanted?.occurrence };
    },
    onRun: (opened, run) => moveTo(opened, parent.id, list, takenBy(run)),
    onDelivered: (opened) => moveTo(opened, parent.id, list, 'retried'),
    inputs: async (): Promise<Inputs> => {
      const sourceOptions = sourceOptionsOf(typed, mapping);
      const found: Source[] = [];
      for (const index of selection.sources) {
        const stored = sources.find((source) => source.index === index);
        if (stored !== undefined)
          found.push(selection.of(await reopened(stored, sourceOptions, join(folder, 'runs', parent.id))));
      }
      const mapper = mapperOf(typed, mapping);
      return {
        sources: found,
        mapping,
        mapper: { ...selection.mapper(mapper), notices: () => mapper.notices() },
        sourceOptions,
      };
    },
  });
}

/** A source of the run. That it holds what it held is checked while it is read, when it was touched since. */
async function reopened(stored: StoredSource, options: Inputs['sourceOptions'], runFolder: string): Promise<Source> {
  const { id, index, format } = stored;
  const copy = join(runFolder, index === 0 ? 'stdin.gz' : `stream-${index}.gz`);
  const path = stored.path ?? (existsSync(copy) ? copy : undefined);
  if (path === undefined) {
    throw new AppError(`${id} was a stream, and no copy of it is kept`, {
      code: 'source-changed',
      disposition: 'ledger',
      hint: 'mend and import the rejected rows instead: they are in the folder of the run',
    });
  }
  const [source] = await discoverSources([path], {
    ...options,
    format: format as SourceFormat,
    as: { id, index },
  });
  if (source === undefined) throw new RangeError(`no source ${id}`);
  return source;
}
