import { describe, expect, it } from 'vitest';
import { guessMapping, type Guess } from '../../../src/guess/guess.js';
import { guessFormat } from '../../../src/guess/times.js';
import { writeMapping } from '../../../src/guess/write-mapping.js';
import { parseMapping } from '../../../src/mapping/index.js';
import type { MapOutput } from '../../../src/model.js';

const SENTENCES = [
  'Where is my order? It has not arrived yet.',
  'Please reset the password of my account.',
  'Thanks, that solved it for me.',
  'I would like to change the address of the delivery.',
  'The app closes when I open the settings page.',
];
const text = (n: number): string => `${SENTENCES[n % SENTENCES.length] ?? ''} (${n})`;
const many = (make: (n: number) => Record<string, unknown>, count = 60): Record<string, unknown>[] =>
  Array.from({ length: count }, (_, n) => make(n));
const uuid = (n: number): string => `3f2a9c1e-0000-4000-8000-${String(n).padStart(12, '0')}`;
const iso = (n: number): string => new Date(1_714_550_000_000 + n * 61_000).toISOString();
const day = (n: number): number => (n % 28) + 1;
const pad = (n: number): string => String(n).padStart(2, '0');

interface Expected {
  readonly kind?: Guess['kind'];
  readonly text: string;
  readonly id?: string;
  readonly thread?: string;
  readonly user?: string;
  readonly speaker?: string;
  readonly role?: Record<string, string>;
  readonly time?: [string, string];
  readonly each?: readonly string[];
}

const EXPORTS: readonly (readonly [string, Record<string, unknown>[], Expected])[] = [
  [
    'tickets of a help desk',
    many((n) => ({
      id: 9_000 + n,
      ticket_id: 100 + (n % 9),
      author_type: n % 2 === 0 ? 'end-user' : 'agent',
      author_name: `Person ${n % 7}`,
      body: text(n),
      created_at: iso(n),
      updated_at: iso(n + 5),
      channel: 'email',
      customer_id: `c${n % 9}`,
    })),
    {
      kind: 'thread_message',
      text: 'body',
      id: 'id',
      thread: 'ticket_id',
      user: 'customer_id',
      speaker: 'author_name',
      role: { 'end-user': 'user', agent: 'assistant' },
      time: ['created_at', 'iso'],
    },
  ],
  [
    'conversations with parts inside',
    many(
      (n) => ({
        id: uuid(n),
        created_at: 1_714_550_000 + n * 60,
        title: null,
        conversation_parts: [0, 1, 2].map((k) => ({
          id: `p${n}-${k}`,
          part_type: 'comment',
          body: text(n + k),
          author: { type: k === 1 ? 'bot' : 'user', name: `N ${k}` },
          created_at: 1_714_550_000 + n * 60 + k,
        })),
      }),
      20,
    ),
    {
      kind: 'thread_message',
      each: ['conversation_parts'],
      text: 'body',
      id: 'id',
      role: { user: 'user', bot: 'assistant' },
      time: ['created_at', 'epoch_s'],
    },
  ],
  [
    'a chat as a table, day first',
    many((n) => ({
      Date: `${pad(day(n))}/05/2024, ${pad(n % 24)}:${pad(n % 60)}`,
      Sender: n % 2 === 0 ? 'Ana Prado' : 'Bo',
      Message: text(n),
      Chat: 'Family',
    })),
    { kind: 'thread_message', text: 'Message', thread: 'Chat', speaker: 'Sender', time: ['Date', 'dd/MM/yyyy, HH:mm'] },
  ],
  [
    'messages of a channel with authors inside',
    many((n) => ({
      id: `12199${n}`,
      channel_id: `c${n % 3}`,
      content: text(n),
      timestamp: iso(n),
      author: { id: `u${n % 5}`, username: `user${n % 5}`, bot: n % 5 === 4 },
      type: 0,
      pinned: false,
    })),
    {
      kind: 'thread_message',
      text: 'content',
      id: 'id',
      thread: 'channel_id',
      speaker: 'author.username',
      time: ['timestamp', 'iso'],
    },
  ],
  [
    'contacts with notes, month first',
    many((n) => ({
      'Record ID': String(5_000 + n),
      'First Name': 'Ana',
      'Last Name': `P${n}`,
      Email: `a${n}@b.org`,
      Notes: text(n),
      'Create Date': `05/${pad(day(n))}/2024`,
    })),
    { kind: 'graph_episode', text: 'Notes', id: 'row["Record ID"]', time: ['row["Create Date"]', 'MM/dd/yyyy'] },
  ],
  [
    'tweets of customers',
    many((n) => ({
      tweet_id: String(n + 1),
      author_id: n % 2 === 0 ? `${n}` : 'AppleSupport',
      inbound: n % 2 === 0 ? 'True' : 'False',
      created_at: `Tue Oct 31 22:${pad(n % 60)}:47 +0000 2017`,
      text: text(n),
    })),
    { kind: 'graph_episode', text: 'text', id: 'tweet_id', time: ['created_at', 'EEE MMM dd HH:mm:ss ZZZ yyyy'] },
  ],
  [
    'posts of a forum',
    many((n) => ({
      id: `t3_${n}`,
      subreddit: 'node',
      author: `u${n % 11}`,
      title: `Post ${n}`,
      selftext: `${text(n)} ${text(n + 1)}`,
      created_utc: 1_714_550_000 + n,
      score: n,
      permalink: `/r/node/${n}`,
      url: `https://x/${n}`,
    })),
    { kind: 'graph_episode', text: 'selftext', id: 'id', time: ['created_utc', 'epoch_s'] },
  ],
  [
    'cases with dates of their own kind',
    many((n) => ({
      'Case Number': `0000${1_000 + n}`,
      'Account Name': `Acme ${n % 4}`,
      Status: n % 3 === 0 ? 'Closed' : 'New',
      Description: `${text(n)} ${text(n + 2)}`,
      'Created Date': `5/${day(n)}/2024 ${(n % 12) + 1}:${pad(n % 60)} PM`,
      'Closed Date': '',
    })),
    {
      kind: 'graph_episode',
      text: 'Description',
      id: 'row["Case Number"]',
      time: ['row["Created Date"]', 'M/d/yyyy h:mm a'],
    },
  ],
  [
    'issues',
    many((n) => ({
      'Issue key': `WEB-${n}`,
      'Issue Type': n % 2 === 0 ? 'Bug' : 'Task',
      Summary: `Short ${n % 9}`,
      Description: `${text(n)} ${text(n + 1)}`,
      Created: `${pad(day(n))}/May/24 ${(n % 12) + 1}:${pad(n % 60)} AM`,
    })),
    { kind: 'graph_episode', text: 'Description', id: 'row["Issue key"]', time: ['Created', 'dd/MMM/yy h:mm a'] },
  ],
  [
    'dialogues of a user and a system',
    many(
      (n) => ({
        dialogue_id: `d_${n}`,
        services: ['x'],
        turns: [0, 1, 2, 3].map((k) => ({
          speaker: k % 2 === 0 ? 'USER' : 'SYSTEM',
          utterance: text(n + k),
          frames: [],
        })),
      }),
      20,
    ),
    {
      kind: 'thread_message',
      each: ['turns'],
      text: 'utterance',
      thread: 'dialogue_id',
      role: { USER: 'user', SYSTEM: 'assistant' },
    },
  ],
  [
    'names that are words of the language',
    many((n) => ({ index: n, source: `s${n % 3}`, 'the text': text(n), in: 'x' })),
    { kind: 'graph_episode', text: 'row["the text"]' },
  ],
];

const CONTEXT = {
  sources: ['data'],
  source: {},
  graph: undefined,
  user: undefined,
  thread: undefined,
  placeholder: 'data',
  tests: [],
};

describe('a mapping is guessed for', () => {
  it.each(EXPORTS)('%s', (_, rows, expected) => {
    const guess = guessMapping(rows);
    if (guess === undefined) throw new Error('no guess');
    expect(guess.text.column.path).toBe(expected.text);
    if (expected.kind !== undefined) expect(guess.kind).toBe(expected.kind);
    expect(guess.id?.column.path).toBe(expected.id);
    if (expected.thread !== undefined) expect(guess.conversation?.column.path).toBe(expected.thread);
    if (expected.user !== undefined) expect(guess.user?.column.path).toBe(expected.user);
    if (expected.speaker !== undefined) expect(guess.speaker?.column.path).toBe(expected.speaker);
    if (expected.role !== undefined) expect(guess.role?.map).toEqual(expected.role);
    expect(guess.time === undefined ? undefined : [guess.time.path, guess.time.format]).toEqual(expected.time);
    expect(guess.shape.each).toEqual(expected.each ?? []);
  });

  it.each(EXPORTS)('%s, and maps every row as it is written', (_, rows) => {
    const guess = guessMapping(rows);
    if (guess === undefined) throw new Error('no guess');
    const mapper = parseMapping(writeMapping(guess, CONTEXT), 'guessed.yaml').compile({});
    const out: MapOutput = { items: [], rejections: [] };
    const source = { id: 'data.json', index: 0, format: 'json', bytes: 1, compression: 'none' } as const;
    rows.forEach((value, ordinal) =>
      mapper.map(
        { kind: 'record', value, position: { source, ordinal, line: ordinal + 1, byteStart: 0, byteEnd: 1 } },
        out,
      ),
    );
    expect(out.rejections).toEqual([]);
    expect(out.items.length).toBeGreaterThanOrEqual(rows.length);
    if (guess.time !== undefined) expect(out.items.every(({ time }) => time.ms !== undefined)).toBe(true);
  });

  it('rows without prose: whole, as JSON', () => {
    const guess = guessMapping(many((n) => ({ sku: `A${n}`, price: n, color: 'red' })));
    expect(guess).toMatchObject({ isWholeRow: true, kind: 'graph_episode' });
    expect(writeMapping(guess as Guess, CONTEXT)).toContain("data: '{{ row }}'");
  });

  it('nothing that holds no text', () => {
    expect(guessMapping([1, 2, 3])).toBeUndefined();
    expect(guessMapping([{ a: 1 }, { a: 2 }])).toBeUndefined();
    expect(guessMapping([])).toBeUndefined();
  });
});

describe('the form of a date', () => {
  const format = (...values: unknown[]): unknown => {
    const guess = guessFormat({ path: 'at', values }, true);
    return guess === undefined ? undefined : [guess.format, guess.isLocal, guess.otherwise];
  };

  it.each([
    [['2024-05-01T10:00:00Z'], ['iso', false, undefined]],
    [['2024-05-01 10:00:00'], ['iso', true, undefined]],
    [['Tue, 06 May 2025 11:05:00 -0700'], ['rfc2822', false, undefined]],
    [
      ['31/01/2024', '01/02/2024'],
      ['dd/MM/yyyy', true, undefined],
    ],
    [
      ['01/31/2024', '02/01/2024'],
      ['MM/dd/yyyy', true, undefined],
    ],
    [['31.01.2024 10:00'], ['dd.MM.yyyy HH:mm', true, undefined]],
    [
      ['1:56 pm on 8 May, 2023', '10:02 am on 22 July, 2023'],
      ["h:mm a 'on' d MMMM, yyyy", true, undefined],
    ],
    [
      [1_714_550_000, 1_714_560_000],
      ['epoch_s', false, undefined],
    ],
    [['1714550000000'], ['epoch_ms', false, undefined]],
    [['yesterday', 'today'], undefined],
    [['12', '13'], undefined],
  ])('%j', (values, expected) => {
    expect(format(...values)).toEqual(expected);
  });

  it('that is ambiguous is told, and decided by the order of the rows where that tells', () => {
    expect(format('01/02/2024', '02/03/2024')).toEqual(['MM/dd/yyyy', true, 'dd/MM/yyyy']);
    const months = Array.from({ length: 11 }, (_, n) => `${pad((n % 3) + 1)}/${pad(n + 1)}/2024`);
    expect(guessFormat({ path: 'at', values: months }, true)).toMatchObject({ format: 'dd/MM/yyyy', isByOrder: true });
  });
});
