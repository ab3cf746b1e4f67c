/**
 * Faults as data. A rule names an operation, which of its calls, and what goes wrong: `add:3=drop-after` or
 * `add:*=429@0.05,retry-after=2`. Rules are parsed once and decide from counters and a seeded random source alone, so that the same rules,
 * seed and calls always fail in the same way.
 *
 *   RULE      = OPERATION [ ":" CALLS ] "=" KIND [ "@" PROBABILITY ] { "," NAME "=" VALUE }
 *   OPERATION = a name of the table of operations, `*`, or a beginning such as `thread-*`
 *   CALLS     = `*` (default), `3`, `3-5`, `3+`, or `%10` (every tenth); counted from 1 for each rule
 *   VALUE     = text; a comma in it is written `\,`
 * Every rule also takes `from` and `for`, in seconds since the server started.
 */
import { usageError } from '../errors.js';
import type { Call } from './call.js';
import { checkParams, isStatusKind, KINDS } from './fault-kinds.js';

export interface Fault {
  /** The rule as it was written. */
  readonly text: string;
  readonly kind: string;
  readonly params: Readonly<Record<string, string>>;
}

interface Rule extends Fault {
  readonly operation: (name: string) => boolean;
  readonly calls: (call: number) => boolean;
  readonly probability: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface Faults {
  /** The faults that strike this call, in the order of the rules; counts the call. */
  decide(call: Call): readonly Fault[];
  /** Whether any rule has this kind. */
  has(kind: string): boolean;
}

const RULE = /^([a-z*-]+)(?::([^=]+))?=([a-z0-9-]+)(?:@([^,]+))?(?:,(.*))?$/s;

function refuse(text: string, why: string): never {
  throw usageError('bad-fault', `The fault ${JSON.stringify(text)} is not understood: ${why}.`, faultHelp);
}

const faultHelp = 'A fault is OPERATION[:CALLS]=KIND[@PROBABILITY][,name=value], for example add:3=drop-after.';

function parseCalls(text: string, calls: string): (call: number) => boolean {
  if (calls === '*') return () => true;
  const every = /^%([1-9]\d{0,8})$/.exec(calls);
  if (every !== null) return (call) => call % Number(every[1]) === 0;
  const range = /^([1-9]\d{0,8})(?:(\+)|-([1-9]\d{0,8}))?$/.exec(calls);
  if (range === null) return refuse(text, 'CALLS must be *, 3, 3-5, 3+ or %10');
  const from = Number(range[1]);
  const to = range[2] === undefined ? Number(range[3] ?? from) : Infinity;
  if (to < from) refuse(text, 'the range of calls is empty');
  return (call) => call >= from && call <= to;
}

function parseParams(text: string, list: string | undefined): Record<string, string> {
  const params: [string, string][] = [];
  for (const part of (list ?? '').match(/(?:\\.|[^,\\])+/gs) ?? []) {
    const at = part.indexOf('=');
    if (at < 1) refuse(text, `${part} is not name=value`);
    params.push([part.slice(0, at).trim(), part.slice(at + 1).replace(/\\([,\\])/g, '$1')]);
  }
  return Object.fromEntries(params);
}

function parseOperation(text: string, name: string, operations: readonly string[]): (operation: string) => boolean {
  if (name === '*') return () => true;
  if (name.endsWith('*')) {
    const start = name.slice(0, -1);
    if (!operations.some((operation) => operation.startsWith(start))) refuse(text, `no operation begins with ${start}`);
    return (operation) => operation.startsWith(start);
  }
  if (!operations.includes(name)) refuse(text, `${name} is not one of ${operations.join(', ')}`);
  return (operation) => operation === name;
}

function parseRule(text: string, operations: readonly string[]): Rule {
  const match = RULE.exec(text.trim());
  if (match === null) return refuse(text, 'it has another shape');
  const [, operation = '', calls = '*', kind = '', chance = '1', list] = match;
  if (!KINDS.has(kind) && !isStatusKind(kind))
    refuse(text, `${kind} is not one of ${[...KINDS.keys()].join(', ')}, 400-599`);
  const probability = Number(chance);
  if (!(probability > 0 && probability <= 1)) refuse(text, 'the probability must be above 0 and at most 1');
  const params = parseParams(text, list);
  const wrong = checkParams(kind, params);
  if (wrong !== undefined) refuse(text, wrong);
  const fromMs = Number(params.from ?? 0) * 1000;
  return {
    text: text.trim(),
    kind,
    params,
    operation: parseOperation(text, operation, operations),
    calls: parseCalls(text, calls.trim()),
    probability,
    fromMs,
    untilMs: params.for === undefined ? Infinity : fromMs + Number(params.for) * 1000,
  };
}

/** `elapsedMs` is the time since the server started. Throws AppError `bad-fault`. */
export function parseFaults(
  texts: readonly string[],
  operations: readonly string[],
  random: () => number,
  elapsedMs: () => number,
): Faults {
  const rules = texts.map((text) => ({ rule: parseRule(text, operations), calls: 0 }));
  return {
    decide(call) {
      if (rules.length === 0) return [];
      const now = elapsedMs();
      const hits: Fault[] = [];
      for (const entry of rules) {
        const { rule } = entry;
        if (!rule.operation(call.operation) || now < rule.fromMs || now >= rule.untilMs) continue;
        entry.calls += 1;
        if (rule.calls(entry.calls) && (rule.probability === 1 || random() < rule.probability)) hits.push(rule);
      }
      return hits;
    },
    has: (kind) => rules.some(({ rule }) => rule.kind === kind),
  };
}

/** A small seeded generator (mulberry32): the same seed gives the same failures on every machine. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
