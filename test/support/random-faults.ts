/** Random faults of the local server, as the rules that it is started with. */
import type { Dice } from './dice.js';

/** Calls of an operation: one, a few, or any with a small chance. */
export function when(dice: Dice, operation: string, kind: string, params = ''): string {
  const tail = params === '' ? '' : `,${params}`;
  if (dice.chance(0.5)) return `${operation}:${dice.between(1, 12)}=${kind}${tail}`;
  if (dice.chance(0.3)) {
    const from = dice.between(1, 8);
    return `${operation}:${from}-${from + dice.between(1, 3)}=${kind}${tail}`;
  }
  return `${operation}:*=${kind}@${dice.share(0.02, 0.15)}${tail}`;
}

export type MakeFault = (dice: Dice) => string;

/** Everything that can go wrong at the server, each a rule for it. `lateS`: how late a late call comes, in seconds. */
export const faultMakers = (lateS: number): readonly [MakeFault, ...MakeFault[]] => [
  (dice) => when(dice, 'add', dice.of(['drop-before', 'drop-after', 'hang-after', 'twice', 'truncate', 'cut'])),
  (dice) => when(dice, 'add', dice.of(['drop-before', 'drop-after', 'twice', 'empty', 'html', 'shuffle', 'shift'])),
  (dice) => when(dice, 'add', 'short', `keep=${dice.below(20)}`),
  (dice) => when(dice, 'add', 'late', `seconds=${lateS}${dice.chance(0.5) ? ',answer=504' : ''}`),
  (dice) => when(dice, 'add', 'partial', `keep=${dice.below(30)}${dice.of(['', ',answer=drop', ',answer=200'])}`),
  (dice) => when(dice, 'add', dice.of(['500', '500-after', '502', '502-after', '503-after', '504-after', '408'])),
  (dice) => `add:${dice.between(1, 20)}=429,retry-after=0`,
  (dice) => `add:${dice.between(1, 20)}=${dice.of(['404', '409'])}`, // a 400 could be about its items: those are refused by what they say
  (dice) => when(dice, 'add', 'unknown-status'),
  (dice) => when(dice, dice.of(['add', 'get', 'process']), 'delete-draft'),
  (dice) => when(dice, dice.of(['add', 'get', 'process', 'delete']), 'process-draft'),
  (dice) => when(dice, 'create', dice.of(['drop-before', 'drop-after', '500', '502-after', 'empty', 'cut', 'html'])),
  (dice) => when(dice, 'create', 'late', `seconds=${lateS}`),
  (dice) => when(dice, 'list', 'hide-new', 'seconds=0.05'),
  (dice) => when(dice, 'get', 'stale', `seconds=${dice.of(['0.02', '0.05'])}`),
  (dice) => when(dice, 'get', dice.of(['drop-before', '500', '503', 'unknown-status', 'cut', 'empty'])),
  (dice) => `get:${dice.between(1, 12)}=404`,
  (dice) => when(dice, 'process', dice.of(['drop-before', 'drop-after', '500', '500-after', 'cut', 'empty', '409'])),
  (dice) => when(dice, 'process', 'late', `seconds=${lateS}`),
  (dice) => when(dice, 'process', dice.of(['unknown-status', 'stale', 'twice'])),
  (dice) => `process:${dice.between(1, 3)}=invalid${dice.of(['', ',seconds=0.03', ',answer=400'])}`,
  (dice) => when(dice, 'delete', dice.of(['drop-before', 'drop-after', '500', '500-after', '404'])),
  (dice) => when(dice, 'items', dice.of(['drop-before', '500', 'shuffle', 'short'])),
  (dice) =>
    when(dice, dice.of(['user-create', 'graph-create', 'thread-create']), dice.of(['500', 'drop-after', '504-after'])),
  (dice) =>
    `${dice.of(['create', 'add', 'get', 'process', 'thread-create'])}:${dice.between(1, 40)}=${dice.of(['401', '403', '402'])}`,
  (dice) => `*:*=latency,ms=0,jitter=${dice.between(1, 12)}`,
];
