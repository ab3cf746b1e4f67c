/**
 * Rounds of an import that is killed, stopped and started again under faults, against a model of what must come of it. A round is planned from
 * its seed alone, so that it can be planned again; how its tries interleave with the faults is up to the machine.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { LocalServerOptions } from '../../src/emulator/index.js';
import { attempt, story, wasKilled, type Attempt, type AttemptOptions } from './attempts.js';
import { workplace, type Workplace } from './cli.js';
import { Dice } from './dice.js';
import { faultMakers } from './random-faults.js';
import {
  anyTimes,
  COLUMNS,
  expectationOf,
  inTimeOrder,
  mappingText,
  outOfTime,
  ROW_FAULTS,
  RowMaker,
  type RoundRow,
  type RowFormat,
} from './round-rows.js';
import { batchLine, service, type Service } from './service.js';
import { compareBooks, compareGraph, compareRejects, type Violation } from './truth.js';

export type SourceKind = 'file' | 'growing-file' | 'growing-folder' | 'stdin' | 'growing-stdin' | 'gz';

interface PlannedTry {
  readonly flags: readonly string[];
  readonly kill: string | undefined;
  readonly signal: AttemptOptions['signal'];
  /** Rows come to the source before it. */
  readonly grows: boolean;
}

export interface RoundPlan {
  readonly seed: number;
  readonly kind: SourceKind;
  readonly format: RowFormat;
  readonly keyed: boolean;
  readonly dated: boolean;
  /** Rows have any times, and the import sorts them. */
  readonly sorted: boolean;
  /** The rows that are there at first, then those that come to them. */
  readonly stages: readonly (readonly RoundRow[])[];
  readonly server: LocalServerOptions;
  /** Flags of all tries. */
  readonly flags: readonly string[];
  readonly order: 'strict' | 'relaxed';
  readonly tries: readonly PlannedTry[];
  /** The flags of the last try. */
  readonly last: readonly string[];
  /** A fault can put a row there twice that no client can prevent: then the run must say so. */
  readonly mayRepeat: boolean;
  /** Somebody else processes drafts: batches are processed out of turn, and the import may have to give up, saying so. */
  readonly meddled: boolean;
}

/** What a round is bent to, for a fault that chance alone would bring too seldom. */
export interface Bias {
  readonly faults: readonly string[];
  readonly server?: LocalServerOptions;
  readonly settleMs: number;
  readonly flags: readonly string[];
  readonly rows: number;
  readonly kinds: readonly [SourceKind, ...SourceKind[]];
  /** Where its tries are killed. */
  readonly kills: readonly string[];
  /** The flags of the tries that are not killed, when not the same. */
  readonly last?: readonly string[];
  readonly mayRepeat?: boolean;
}

export interface Played {
  readonly violations: readonly Violation[];
  /** Everything that it was made of and that happened in it. */
  readonly story: string;
}

// --- planning -----------------------------------------------------------------------------------------------------------------------

const KINDS = [
  'file',
  'growing-file',
  'growing-file',
  'growing-folder',
  'growing-folder',
  'stdin',
  'growing-stdin',
  'gz',
] as const;

/** Steps at which a try is killed, the frequent ones more than once, and up to which passing. */
const MOMENTS: readonly [readonly [string, number], ...(readonly [string, number])[]] = [
  ['add.intending', 12],
  ['add.intended', 12],
  ['add.intended', 12],
  ['add.answered', 12],
  ['add.answered', 12],
  ['add.recorded', 12],
  ['create.intending', 3],
  ['create.intended', 3],
  ['create.answered', 3],
  ['create.recorded', 3],
  ['process.intending', 3],
  ['process.intended', 3],
  ['process.answered', 3],
  ['process.recorded', 3],
  ['delete.intending', 1],
  ['delete.intended', 1],
  ['delete.answered', 1],
  ['delete.recorded', 1],
  ['rebuild.intending', 2],
  ['rebuild.intended', 2],
  ['rebuild.deleted', 2],
  ['rebuild.refilled', 2],
  ['rebuild.recorded', 2],
  ['settle.asking', 2],
  ['settle.answered', 2],
  ['settle.recorded', 2],
  ['poll.asking', 4],
  ['poll.answered', 4],
  ['poll.recorded', 4],
  ['marks.written', 2],
  ['sort.written', 9],
  ['sort.merged', 4],
  ['sort.done', 1],
  ['sort.removed', 1],
  ['marks.recorded', 2],
  ['run.begun', 1],
  ['run.uploaded', 1],
  ['run.delivered', 1],
];

/** The settle window of a round, and how late its late calls come: always before the window ends, also on a busy machine. */
const PATIENCE = [
  { settleMs: 300, lateS: 0.04 },
  { settleMs: 900, lateS: 0.5 },
] as const;

export function planRound(seed: number, bias?: Bias): RoundPlan {
  const dice = new Dice(seed);
  const kind = bias === undefined ? dice.of(KINDS) : dice.of(bias.kinds);
  const format: RowFormat = dice.chance(0.3) ? 'csv' : 'jsonl';
  // Dice of their own, so that the same seed is the same round with sorting and without.
  const sorting = new Dice(seed + 1_000_003);
  const sorted = bias === undefined && sorting.chance(Number(process.env['ZI_KILL_SORT'] ?? 0.3));
  const times = sorted ? anyTimes(sorting, !kind.includes('stdin')) : undefined;
  const maker = new RowMaker(dice, format, bias !== undefined, times);
  const isGrowing = kind.startsWith('growing');
  const stages = Array.from({ length: isGrowing ? dice.between(2, 3) : 1 }, (_, stage) =>
    Array.from({ length: bias?.rows ?? dice.between(stage === 0 ? 20 : 1, isGrowing ? 140 : 280) }, () =>
      maker.row(kind === 'growing-folder' ? `of ${stage}` : ''),
    ),
  );
  const { settleMs, lateS } = dice.of<{ settleMs: number; lateS: number }>(PATIENCE);
  const faults = bias?.faults ?? randomFaults(dice, lateS, stages.flat());
  const tries = plannedTries(dice, isGrowing, bias);
  const sortFlags = ['--sort', 'created_at', '--sort-memory', sorting.of(['4KiB', '4KiB', '20KiB', '48MiB'])];
  const meddled = faults.some((fault) => fault.includes('process-draft'));
  return {
    seed,
    kind,
    format,
    keyed: dice.chance(0.4),
    // Undated items of a pipe are new each time that it is read.
    dated: kind.includes('stdin') || dice.chance(0.8) || sorted,
    sorted,
    stages,
    server: { seed, faults, ...(bias?.server ?? randomServer(dice)) },
    flags: [
      ...['--settle-window', `${bias?.settleMs ?? settleMs}ms`],
      ...(dice.chance(0.2) ? ['--name', 'nightly'] : []),
      ...(sorted ? sortFlags : []),
    ],
    order: bias === undefined && dice.chance(0.2) ? 'relaxed' : 'strict',
    tries,
    last: bias?.last ?? bias?.flags ?? randomFlags(dice),
    meddled,
    mayRepeat: meddled || bias?.mayRepeat === true,
  };
}

function randomFaults(dice: Dice, lateS: number, rows: readonly RoundRow[]): readonly string[] {
  const makers = faultMakers(lateS);
  const isFailing = rows.some(({ fate }) => fate === 'failing');
  return Array.from({ length: dice.between(0, 4) }, () => dice.of(makers)(dice)).filter(
    (fault) =>
      // A hanging call is no matter of crashes, and takes the patience of the client.
      !fault.includes('hang') &&
      // What somebody else processes, or what is processed late, does not fail as planned.
      !(isFailing && (fault.includes('process-draft') || /^process.*=late/.test(fault))),
  );
}

function randomServer(dice: Dice): LocalServerOptions {
  return {
    latencyMs: dice.of([0, 0, 2, 5]),
    invalidMode: dice.of(['at-once', 'at-once', 'late', 'refuse']),
    processingRate: dice.of([Infinity, Infinity, 5_000, 1_000]),
    limits: dice.chance(0.1) ? { maxItemsPerAdd: dice.between(3, 30) } : {},
  };
}

function randomFlags(dice: Dice): readonly string[] {
  return [
    ...['--concurrency', dice.of(['1', '1', '2', '4', 'auto'])],
    ...['--chunk-size', String(dice.of([dice.between(2, 8), dice.between(8, 30), dice.between(30, 100)]))],
    ...['--batch-size', String(dice.of([dice.between(25, 80), dice.between(80, 200), 50_000]))],
  ];
}

function plannedTries(dice: Dice, isGrowing: boolean, bias: Bias | undefined): readonly PlannedTry[] {
  if (bias !== undefined) {
    return bias.kills.map((kill) => ({ flags: bias.flags, kill, signal: undefined, grows: false }));
  }
  const most = dice.of([1, 1, 2, 2, 3, 4, 6]);
  return Array.from({ length: most }, (_, index) => ({
    flags: randomFlags(dice),
    ...randomEnd(dice),
    grows: isGrowing && index > 0 && dice.chance(0.4),
  }));
}

function randomEnd(dice: Dice): Pick<PlannedTry, 'kill' | 'signal'> {
  if (dice.chance(0.6)) {
    const [step, passings] = dice.of(MOMENTS);
    const later = dice.chance(0.25) ? `+${dice.between(1, 60)}ms` : '';
    return { kill: `${step}:${dice.between(1, passings)}${later}`, signal: undefined };
  }
  if (dice.chance(0.6)) return { kill: `after:${dice.between(150, 1_200)}ms`, signal: undefined };
  const name = dice.of<'SIGINT' | 'SIGTERM'>(['SIGINT', 'SIGTERM']);
  return { kill: undefined, signal: { name, afterMs: dice.between(200, 1_200) } };
}

// --- playing ------------------------------------------------------------------------------------------------------------------------

/** Exit codes of a try that could not go on and says that another may. */
const RESUMABLE: readonly number[] = [3, 4, 5, 6, 7, 14];
const LAST_TRIES = 4;

/** Plays a round to its end. `without`: with the program that lacks a safeguard. */
export async function playRound(plan: RoundPlan, { without }: { readonly without?: string } = {}): Promise<Played> {
  const at = workplace();
  const remote = await service({ ...plan.server, lasting: ROW_FAULTS });
  const round = new Round(plan, at, remote, without);
  try {
    await round.play();
    return { violations: round.violations, story: await round.story() };
  } catch (error) {
    return {
      violations: [...round.violations, `the round itself failed: ${String(error)}`],
      story: await round.story(),
    };
  } finally {
    await at.close();
    await remote.close();
  }
}

class Round {
  readonly violations: Violation[] = [];
  readonly #plan: RoundPlan;
  readonly #at: Workplace;
  readonly #remote: Service;
  readonly #without: string | undefined;
  readonly #told: string[] = [];
  readonly #rows: RoundRow[] = [];
  readonly #stages: (readonly RoundRow[])[] = [];
  #stage = 0;
  /** The run said that something may be there twice. */
  #saidRepeated = false;

  constructor(plan: RoundPlan, at: Workplace, remote: Service, without: string | undefined) {
    this.#plan = plan;
    this.#at = at;
    this.#remote = remote;
    this.#without = without;
  }

  async play(): Promise<void> {
    const { tries, stages, last } = this.#plan;
    this.#at.write('map.yaml', mappingText(this.#plan));
    this.#grow();
    for (const { flags, kill, signal, grows } of tries) {
      if (grows) this.#grow();
      const ending = await this.#try(flags, { kill, signal });
      if (ending === 'wrong') return;
      if (ending === 'finished' && this.#stage === stages.length) break;
    }
    while (this.#stage < stages.length) this.#grow();
    const finished = await this.#toTheEnd(last);
    if (finished === undefined || this.violations.length > 0) return;
    await this.#audit();
    await this.#onceMore(last, finished);
  }

  async story(): Promise<string> {
    const { stages, ...plan } = this.#plan;
    const rows = stages.map((stage) => stage.length);
    const batches = (await this.#remote.batches()).reverse().map(batchLine);
    return [JSON.stringify({ ...plan, rows }), ...this.#told, 'the service holds', ...batches].join('\n');
  }

  // --- the source -----------------------------------------------------------------------------------------------------------------

  /** The next rows come to the source. */
  #grow(): void {
    const { stages, kind, format } = this.#plan;
    const rows = stages[this.#stage++];
    if (rows === undefined) return;
    this.#rows.push(...rows);
    this.#stages.push(rows);
    const text = rows.map(({ line }) => `${line}\n`).join('');
    const header = format === 'csv' ? `${COLUMNS}\n` : '';
    if (kind === 'growing-folder') {
      mkdirSync(this.#at.path('rows'), { recursive: true });
      writeFileSync(this.#at.path(`rows/part-${this.#stage}.${format}`), header + text);
    } else if (kind === 'gz') {
      this.#at.write(`rows.${format}.gz`, gzipSync(header + text));
    } else if (!existsSync(this.#at.path(`rows.${format}`))) {
      this.#at.write(`rows.${format}`, header + text);
    } else {
      appendFileSync(this.#at.path(`rows.${format}`), text);
    }
    if (this.#stage > 1) this.#told.push(`(${rows.length} rows come to the source)`);
  }

  get #sources(): readonly string[] {
    const { kind, format } = this.#plan;
    if (kind === 'growing-folder') return ['rows'];
    if (kind === 'gz') return [`rows.${format}.gz`];
    return kind.includes('stdin') ? ['-', '--format', format] : [`rows.${format}`];
  }

  // --- tries ----------------------------------------------------------------------------------------------------------------------

  async #run(flags: readonly string[], options: Pick<AttemptOptions, 'kill' | 'signal'> = {}): Promise<Attempt> {
    const { order, flags: always, kind, format } = this.#plan;
    const args = [
      'run',
      ...this.#sources,
      ...['-m', 'map.yaml', ...this.#remote.flags, '--state-dir', 'state'],
      ...['--create-missing', 'users,graphs,threads', '--max-errors', 'unlimited', '--order', order],
      ...['--progress', 'json', '-o', 'json'],
      ...always,
      ...flags,
    ];
    return this.#start(args, {
      ...options,
      ...(kind.includes('stdin') ? { stdin: readFileSync(this.#at.path(`rows.${format}`)) } : {}),
    });
  }

  async #start(args: readonly string[], options: AttemptOptions): Promise<Attempt> {
    const tried = await attempt(this.#at, args, { ...options, without: this.#without });
    this.#told.push(story(tried));
    if (tried.hung) this.#blame(['it did not end']);
    if (tried.notices.includes('batch-doubled')) this.#saidRepeated = true;
    return tried;
  }

  /** One try, and whether it brought the import to its end. */
  async #try(
    flags: readonly string[],
    options: Pick<AttemptOptions, 'kill' | 'signal'>,
  ): Promise<'finished' | 'to be continued' | 'wrong'> {
    const tried = await this.#run(flags, options);
    if (tried.hung) return 'wrong';
    if (wasKilled(tried) || wasStopped(tried)) return 'to be continued';
    if (tried.code !== null && RESUMABLE.includes(tried.code) && tried.report?.exit_code === tried.code)
      return 'to be continued';
    if (tried.code !== 0 && tried.code !== 10) {
      this.#blame([`exit code ${tried.code} (${tried.signal}) is none that it may end with`]);
      return 'wrong';
    }
    await this.#judge(tried);
    return this.violations.length === 0 ? 'finished' : 'wrong';
  }

  /** Tries that nobody disturbs: first under the faults, then in peace. The try that finished the import, if one did. */
  async #toTheEnd(flags: readonly string[]): Promise<Attempt | undefined> {
    for (let tries = 1; tries <= LAST_TRIES; tries++) {
      if (tries > 2) this.#remote.peace();
      const tried = await this.#run(flags);
      if (tried.hung) return undefined;
      if (tried.code === 0 || tried.code === 10) {
        await this.#judge(tried);
        this.#remote.peace();
        return tried;
      }
      if (tried.code === null || !RESUMABLE.includes(tried.code)) {
        this.#blame([`exit code ${tried.code} (${tried.signal}) is none that it may end with`]);
        return undefined;
      }
    }
    // Somebody else's hand may have made it impossible to go on; then the last exit code has said so.
    if (this.#plan.meddled) await this.#judgeUnfinished();
    else this.#blame([`the import does not come to its end, although nothing fails any more`]);
    return undefined;
  }

  // --- judging --------------------------------------------------------------------------------------------------------------------

  #blame(violations: readonly Violation[]): void {
    this.violations.push(...violations);
  }

  async #judge({ code, report }: Attempt): Promise<void> {
    const { mayRepeat, order, meddled, sorted } = this.#plan;
    const truth = expectationOf(this.#rows);
    const timely = sorted ? inTimeOrder(this.#stages) : undefined;
    const isRepeated = mayRepeat && this.#saidRepeated;
    await this.#remote.settled();
    for (const [key, expected] of truth.graphs) {
      const found = await this.#remote.contents(key);
      this.#blame(
        compareGraph(key, expected, found, {
          complete: true,
          ordered: order === 'strict' && !meddled && !sorted,
          mayRepeat: isRepeated,
        }),
      );
      if (timely !== undefined && order === 'strict' && !meddled && !isRepeated) {
        this.#blame(outOfTime(timely.get(key) ?? [], found).map((text) => `${key}: ${text}`));
      }
    }
    const handedOver = await this.#remote.handedOver();
    if (!isRepeated && handedOver !== truth.items + truth.failing) {
      this.#blame([`${handedOver} items were handed over, not ${truth.items + truth.failing}`]);
    }
    const leftovers = await this.#remote.leftovers();
    if (leftovers.length > 0) this.#blame([`left at the service: ${leftovers.map(({ status }) => status).join(' ')}`]);
    const isWrong = truth.rejected.length + truth.failing > 0 || isRepeated;
    if (code !== (isWrong ? 10 : 0)) this.#blame([`exit code ${code} is not the truth`]);
    if (report?.exit_code !== code) this.#blame([`the report says ${report?.exit_code}, the exit code ${code}`]);
    this.#blame(compareBooks(report?.records ?? {}, report?.items ?? {}, true));
    this.#blame(compareRejects([...new Set(truth.rejected)], [...this.#rejectsTold()]));
  }

  async #judgeUnfinished(): Promise<void> {
    await this.#remote.settled();
    for (const [key, expected] of expectationOf(this.#rows).graphs) {
      const found = await this.#remote.contents(key);
      const strictness = { complete: false, ordered: false, mayRepeat: this.#saidRepeated };
      this.#blame(compareGraph(key, expected, found, strictness));
    }
  }

  /** Every line that any rejects file holds, once. */
  #rejectsTold(): ReadonlySet<string> {
    const runs = join(this.#at.path('state'), 'runs');
    const told = new Set<string>();
    for (const run of existsSync(runs) ? readdirSync(runs) : []) {
      for (const name of readdirSync(join(runs, run)).filter((each) => /^rejects\.(jsonl|csv)$/.test(each))) {
        const lines = readFileSync(join(runs, run, name), 'utf8')
          .split('\n')
          .filter(Boolean);
        for (const line of lines) if (line !== COLUMNS) told.add(line);
        if (new Set(lines).size !== lines.length) this.#blame([`${run}/${name} tells a row twice`]);
      }
    }
    return told;
  }

  /** The books prove themselves. */
  async #audit(): Promise<void> {
    const flags = [...this.#remote.flags, '--state-dir', 'state', '-o', 'json'];
    const { code } = await this.#start(['audit', ...flags], {});
    if (this.#saidRepeated ? code === 0 : code !== 0) this.#blame([`audit ends with ${code}`]);
  }

  /** The same command after the import is complete sends nothing and says the same. */
  async #onceMore(flags: readonly string[], finished: Attempt): Promise<void> {
    const before = this.#remote.stats().items.added;
    const again = await this.#run(flags);
    const added = this.#remote.stats().items.added - before;
    if (added > 0) this.#blame([`the same command once more sends ${added} items`]);
    if (again.code !== finished.code && !this.#saidRepeated) {
      this.#blame([`the same command once more ends with ${again.code}, not with ${finished.code}`]);
    }
  }
}

function wasStopped({ options, signal, code }: Attempt): boolean {
  if (options.signal === undefined) return false;
  return signal === options.signal.name || code === (options.signal.name === 'SIGINT' ? 130 : 143);
}
