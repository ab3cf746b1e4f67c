/** The table of everything that can go wrong: what each kind does and which values it takes. Help and parsing are made from it. */
export interface FaultKind {
  readonly description: string;
  /** The names of its values and what each must look like. */
  readonly params: Readonly<Record<string, ParamCheck>>;
}

type ParamCheck = 'number' | 'text' | 'whole' | 'share' | 'expression';

const answerAs = { answer: 'text' } as const satisfies FaultKind['params'];
const STATUS_PARAMS = { body: 'text', message: 'text', 'retry-after': 'text', reset: 'number' } as const;

/** A status code of 400 to 599 is a kind too, before the request is applied or, with `-after`, after it. */
const STATUS = /^[45]\d\d(-after)?$/;

export function isStatusKind(kind: string): boolean {
  return STATUS.test(kind);
}

export const KINDS: ReadonlyMap<string, FaultKind> = new Map<string, FaultKind>([
  ['drop-before', { description: 'the connection breaks before the request is applied', params: {} }],
  ['drop-after', { description: 'the request is applied, then the connection breaks', params: {} }],
  ['hang-before', { description: 'no answer until the client goes away; not applied', params: {} }],
  ['hang-after', { description: 'applied, then no answer until the client goes away', params: {} }],
  [
    'late',
    {
      description: 'the connection breaks (answer=504 answers that); applied `seconds` later',
      params: { seconds: 'number', ...answerAs },
    },
  ],
  [
    'partial',
    {
      description: 'only the first `keep` items are added (half of them), then answer=500, drop or 200',
      params: { keep: 'whole', ...answerAs },
    },
  ],
  ['twice', { description: 'the request is applied twice; the first answer is given', params: {} }],
  [
    'truncate',
    {
      description: 'applied; the connection breaks after `bytes` of the answer (half of it)',
      params: { bytes: 'whole' },
    },
  ],
  ['cut', { description: 'applied; a complete answer with only the first half of its JSON', params: {} }],
  ['empty', { description: 'applied; 200 without a body', params: {} }],
  ['html', { description: 'applied; 200 with a page instead of JSON', params: {} }],
  ['slow', { description: 'applied; the answer trickles over `seconds`', params: { seconds: 'number' } }],
  [
    'short',
    { description: 'applied; the answer holds only the first `keep` entries (350)', params: { keep: 'whole' } },
  ],
  ['shuffle', { description: 'applied; the entries of the answer stand in reverse order', params: {} }],
  ['shift', { description: 'applied; the indexes in the answer are too high by `by` (1)', params: { by: 'whole' } }],
  ['stale', { description: 'get and list show item_count as it was `seconds` ago', params: { seconds: 'number' } }],
  [
    'hide-new',
    { description: 'list shows a batch only `seconds` after it was created', params: { seconds: 'number' } },
  ],
  ['unknown-status', { description: 'every status in the answer is `status` (archived)', params: { status: 'text' } }],
  [
    'refuse-item',
    {
      description: 'an add with an item that holds `pattern` is refused with 400',
      params: { pattern: 'expression', message: 'text' },
    },
  ],
  ['delete-draft', { description: 'somebody else deletes the batch just before', params: {} }],
  ['process-draft', { description: 'somebody else processes the batch just before', params: {} }],
  [
    'invalid',
    {
      description: 'the processed batch turns out invalid, at once or after `seconds`; answer=400 refuses',
      params: { seconds: 'number', ...answerAs },
    },
  ],
  [
    'fail-item',
    {
      description: 'items of the processed batch fail: those that hold `pattern`, a `share` of them',
      params: { pattern: 'expression', share: 'share', code: 'text', message: 'text' },
    },
  ],
  [
    'latency',
    { description: 'the request waits `ms` plus up to `jitter` ms', params: { ms: 'number', jitter: 'number' } },
  ],
  [
    'maintenance',
    {
      description: '503 with a page, as a service under maintenance; use with from and for',
      params: { 'retry-after': 'text' },
    },
  ],
]);

function isExpression(text: string): boolean {
  const match = /^\/(.+)\/([a-z]*)$/s.exec(text);
  if (match === null) return text !== '';
  try {
    new RegExp(match[1] ?? '', match[2]);
    return true;
  } catch {
    return false;
  }
}

function fits(check: ParamCheck, text: string): boolean {
  switch (check) {
    case 'number':
      return /^\d{1,9}(\.\d+)?$/.test(text);
    case 'whole':
      return /^\d{1,9}$/.test(text);
    case 'share':
      return /^\d(\.\d+)?$/.test(text) && Number(text) <= 1;
    case 'expression':
      return isExpression(text);
    case 'text':
      return true;
  }
}

const ANSWERS: Readonly<Record<string, readonly string[]>> = {
  late: ['drop', '504'],
  partial: ['500', 'drop', '200'],
  invalid: ['400'],
};
const BODIES = ['json', 'html', 'text', 'empty'];

/** What is wrong with the values of a rule, or undefined. */
export function checkParams(kind: string, params: Readonly<Record<string, string>>): string | undefined {
  const own = isStatusKind(kind) ? STATUS_PARAMS : (KINDS.get(kind)?.params ?? {});
  const known: Readonly<Record<string, ParamCheck>> = { ...own, from: 'number', for: 'number' };
  for (const [name, text] of Object.entries(params)) {
    const check = Object.hasOwn(known, name) ? known[name] : undefined;
    if (check === undefined) return `${kind} takes ${Object.keys(known).join(', ')}, not ${name}`;
    if (!fits(check, text)) return `${name}=${text} is not a ${check}`;
  }
  const answers = ANSWERS[kind];
  if (params.answer !== undefined && answers?.includes(params.answer) !== true) {
    return `answer must be one of ${(answers ?? []).join(', ')}`;
  }
  if (params.body !== undefined && !BODIES.includes(params.body)) return `body must be one of ${BODIES.join(', ')}`;
  return undefined;
}
