/** Exports of other systems through the real program into a real local server. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DATA, hasData, MAPPINGS } from '../support/cli.js';
import { asked, closedAfterEach, expectCode, said, type Imports } from '../support/imports.js';
import { SLACK_FILES, SLACK_TEXTS } from '../support/slack-export.js';
import { zip } from '../support/zip.js';

const { setUp } = closedAfterEach();
type Files = Readonly<Record<string, unknown>>;

function writeFolder(here: Imports, folder: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    const path = here.at.path(`${folder}/${name}`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  }
}
function zipOf(files: Files, root = ''): Buffer {
  return zip(
    Object.entries(files).map(([name, content]) => ({
      name: root + name,
      content: typeof content === 'string' ? content : JSON.stringify(content),
    })),
  );
}
async function thread(here: Imports, id: string): Promise<readonly string[]> {
  const { body } = await here.remote.call('GET', `/threads/${id}/messages?limit=1000`);
  return ((body as { messages?: { content: string }[] }).messages ?? []).map(({ content }) => content);
}
const SLACK = ['--preset', 'slack', '--graph', 'g'] as const;

describe('a Slack export', () => {
  it('as a folder becomes episodes with the names of people, day by day', async () => {
    const here = await setUp();
    writeFolder(here, 'export', SLACK_FILES);
    const tried = await here.run(['export', ...SLACK]);
    expectCode(tried, 0);
    expect(tried.report?.records).toMatchObject({ read: 10, mapped: 9, skipped: 1 });
    expect(tried.notices).toContain('slack-direct-messages');
    expect(await here.remote.contents('g:g')).toEqual(SLACK_TEXTS);
  });

  it('as an archive, also with a folder around everything, is the same', async () => {
    const here = await setUp();
    here.at.write('export.zip', zipOf(SLACK_FILES));
    here.at.write('wrapped.zip', zipOf(SLACK_FILES, 'my export/'));
    expectCode(await here.run(['export.zip', ...SLACK]), 0);
    expect(await here.remote.contents('g:g')).toEqual(SLACK_TEXTS);
    const again = await here.run(['wrapped.zip', ...SLACK]);
    expectCode(again, 0);
    expect(again.report?.items).toMatchObject({ accepted: 0, known: 9 });
  });

  it('has its direct messages only when they are asked for', async () => {
    const here = await setUp();
    writeFolder(here, 'export', SLACK_FILES);
    expectCode(await here.run(['export', ...SLACK, '--include-dms']), 0);
    const texts = await here.remote.contents('g:g');
    expect(texts).toContain('Ana Prado: direct');
    expect(texts).toContain('Ana Prado: group');
    expect(texts).toHaveLength(11);
  });

  it('goes on after a kill in the middle: every message once, in order', async () => {
    const here = await setUp({ latencyMs: 50 });
    const days = Object.fromEntries(
      Array.from({ length: 12 }, (_, day) => [
        `general/2024-05-${String(day + 1).padStart(2, '0')}.json`,
        Array.from({ length: 5 }, (_, n) => ({
          type: 'message',
          user: 'U1',
          text: `m ${day * 5 + n}`,
          ts: `${1714550000 + day * 86400 + n}.0001`,
        })),
      ]),
    );
    here.at.write(
      'export.zip',
      zipOf({ 'users.json': SLACK_FILES['users.json'], 'channels.json': SLACK_FILES['channels.json'], ...days }),
    );
    const words = ['export.zip', ...SLACK, '--chunk-size', '5', '--batch-size', '20', '--concurrency', '1'];
    const flags = [...here.remote.flags, '--state-dir', 'state', '--create-missing', 'graphs', '--progress', 'none'];
    const first = here.at.start(['run', ...words, ...flags]);
    await asked(here, 'add', 4);
    first.child.kill('SIGKILL');
    await first;
    expectCode(await here.run(words), 0);
    expect(await here.remote.contents('g:g')).toEqual(Array.from({ length: 60 }, (_, n) => `Ana Prado: m ${n}`));
  });

  it('tells what is damaged in it and takes the rest; rejected messages can be sent again, from the archive and from their file', async () => {
    const here = await setUp();
    here.at.write(
      'export.zip',
      zipOf({
        ...SLACK_FILES,
        'general/2024-05-03.json':
          '[{"type":"message","user":"U1","text":"good","ts":"1714730000.1"},{"type":"message","user":"U2","text":"no time","ts":"never"},{"type"',
      }),
    );
    const tried = await here.run(['export.zip', ...SLACK]);
    expectCode(tried, 10);
    expect(await here.remote.contents('g:g')).toEqual([...SLACK_TEXTS, 'Ana Prado: good']);
    const [rejects = ''] = (tried.report?.files ?? []).filter((name) => name.endsWith('rejects.jsonl'));
    const row =
      readFileSync(rejects, 'utf8')
        .split('\n')
        .find((line) => line.includes('no time')) ?? '';
    expect(JSON.parse(row)).toMatchObject({ user_name: 'Bo', channel: 'general' });
    here.at.write('mended.jsonl', `${row.replace('never', '1714730001.1')}\n`);
    expectCode(await here.run(['mended.jsonl', ...SLACK]), 0);
    expect((await here.remote.contents('g:g')).at(-1)).toBe('Bo: no time');
    const retried = await here.command(['retry', String(tried.report?.run), '--settle-window', '300ms']);
    expectCode(retried, 10);
  });

  it.each<[string, Files | Buffer, string]>([
    ['a folder without lists', { 'a/2024-05-01.json': [] }, 'is no Slack export'],
    ['an archive that leads out of itself', zip([{ name: '../users.json', content: '[]' }]), 'invalid relative path'],
    ['half an archive', zipOf(SLACK_FILES).subarray(0, 900), 'cannot read'],
    ['a list that is no JSON', { 'users.json': '[{', 'channels.json': [] }, 'users.json cannot be read'],
  ])('is refused when it is none: %s', async (_, files, message) => {
    const here = await setUp();
    if (Buffer.isBuffer(files)) here.at.write('export.zip', files);
    else writeFolder(here, 'export', files);
    const tried = await here.run([Buffer.isBuffer(files) ? 'export.zip' : 'export', ...SLACK]);
    expectCode(tried, 2);
    expect(said(tried)).toContain(message);
  });

  it('that unpacks to more than it says is an error that names the file, and nothing of it is taken for whole', async () => {
    const here = await setUp();
    const day = JSON.stringify([{ type: 'message', user: 'U1', text: 'x'.repeat(50_000), ts: '1.1' }]);
    here.at.write(
      'export.zip',
      zip([
        { name: 'users.json', content: '[]' },
        { name: 'general/2024-05-01.json', content: day, declared: 100 },
      ]),
    );
    const tried = await here.run(['export.zip', ...SLACK]);
    expectCode(tried, 2);
    expect(said(tried)).toContain('general/2024-05-01.json');
    expect(here.added()).toBe(0);
  });

  it('without a place to go is refused, with what to give', async () => {
    const here = await setUp();
    writeFolder(here, 'export', SLACK_FILES);
    const tried = await here.run(['export', '--preset', 'slack']);
    expectCode(tried, 2);
    expect(said(tried)).toContain('--graph ID or --user ID');
  });
});

const node = (
  id: string,
  parent: string | null,
  role: string,
  text: string | null,
  at: number | null,
  more: object = {},
): object => ({
  id,
  parent,
  children: [],
  message:
    text === null
      ? null
      : { id: `m-${id}`, author: { role }, create_time: at, content: { content_type: 'text', parts: [text] }, ...more },
});
const CONVERSATION = {
  title: 'Trip',
  id: 'c1',
  create_time: 1_714_550_000.5,
  current_node: 'd',
  mapping: {
    root: node('root', null, 'system', null, 0),
    s: node('s', 'root', 'system', 'hidden', 1, { metadata: { is_visually_hidden_from_conversation: true } }),
    a: node('a', 's', 'user', 'Where to?', 1_714_550_001.25),
    old: node('old', 'a', 'assistant', 'Rome', 1_714_550_002),
    b: node('b', 'a', 'assistant', 'Porto', 1_714_550_003),
    t: node('t', 'b', 'tool', 'search result', 1_714_550_004),
    c: node('c', 't', 'user', 'A picture', 1_714_550_005, {
      content: { content_type: 'multimodal_text', parts: [{ content_type: 'image_asset_pointer' }, 'A picture'] },
    }),
    d: node('d', 'c', 'assistant', 'Nice', 1_714_550_006),
  },
};

describe('a ChatGPT export', () => {
  it.each([
    [
      'folder',
      (here: Imports): string => (
        writeFolder(here, 'export', { 'conversations.json': [CONVERSATION], 'user.json': {} }),
        'export'
      ),
    ],
    [
      'archive',
      (here: Imports): string => (
        here.at.write('export.zip', zipOf({ 'conversations.json': [CONVERSATION], 'user.json': {} })),
        'export.zip'
      ),
    ],
    [
      'file',
      (here: Imports): string => (
        here.at.write('conversations.json', JSON.stringify([CONVERSATION])),
        'conversations.json'
      ),
    ],
  ])('as a %s becomes a thread a conversation, along the branch that was seen last', async (_, write) => {
    const here = await setUp();
    expectCode(await here.run([write(here), '--preset', 'chatgpt', '--user', 'ana']), 0);
    expect(await thread(here, 'chatgpt-c1')).toEqual(['Where to?', 'Porto', '[image]\nA picture', 'Nice']);
  });

  it('that has the newest conversation first tells them from the oldest on; --sort none leaves them', async () => {
    const here = await setUp();
    const talk = (id: string, at: number): object => ({
      id,
      current_node: 'b',
      mapping: {
        a: node('a', null, 'user', `${id}: ask`, at),
        b: node('b', 'a', 'assistant', `${id}: answer`, at + 1),
      },
    });
    here.at.write('conversations.json', JSON.stringify([talk('new', 1_714_560_000), talk('old', 1_714_550_000)]));
    const words = ['conversations.json', '--preset', 'chatgpt', '--user', 'ana'];
    expectCode(await here.run(words), 0);
    expect(await here.remote.contents('u:ana')).toEqual(['old: ask', 'old: answer', 'new: ask', 'new: answer']);
    const unsorted = await setUp();
    unsorted.at.write('conversations.json', JSON.stringify([talk('new', 1_714_560_000), talk('old', 1_714_550_000)]));
    expectCode(await unsorted.run([...words, '--sort', 'none']), 0);
    expect(await unsorted.remote.contents('u:ana')).toEqual(['new: ask', 'new: answer', 'old: ask', 'old: answer']);
  });

  it('keeps a message without a time behind the one before it', async () => {
    const here = await setUp();
    const mapping = {
      a: node('a', null, 'user', 'one', 1_714_550_010),
      b: node('b', 'a', 'assistant', 'two', 1_714_550_020),
      c: node('c', 'b', 'user', 'three', null),
      d: node('d', 'c', 'assistant', 'four', 1_714_550_030),
    };
    here.at.write(
      'conversations.json',
      JSON.stringify([{ id: 'x', create_time: 1_714_550_000, current_node: 'd', mapping }]),
    );
    expectCode(await here.run(['conversations.json', '--preset', 'chatgpt', '--user', 'ana']), 0);
    expect(await thread(here, 'chatgpt-x')).toEqual(['one', 'two', 'three', 'four']);
  });

  it('needs to know whose it is', async () => {
    const here = await setUp();
    here.at.write('conversations.json', '[]');
    const tried = await here.run(['conversations.json', '--preset', 'chatgpt']);
    expectCode(tried, 2);
    expect(said(tried)).toContain('give --user ID');
  });

  it('whose tree goes round in circles comes to an end', async () => {
    const here = await setUp();
    const mapping = {
      a: { ...node('a', 'b', 'user', 'one', 1), children: ['b'] },
      b: { ...node('b', 'a', 'assistant', 'two', 2), children: ['a'] },
    };
    here.at.write('conversations.json', JSON.stringify([{ id: 'x', current_node: 'b', mapping }]));
    expectCode(await here.run(['conversations.json', '--preset', 'chatgpt', '--user', 'ana']), 0);
    expect(await thread(here, 'chatgpt-x')).toEqual(['one', 'two']);
  });
});

describe('lines of messages arrays', () => {
  it('become a thread a line, by their own id or by their place', async () => {
    const here = await setUp();
    const lines = [
      {
        id: 'own',
        created: 1_714_550_000,
        messages: [
          { role: 'developer', content: 'Be kind.' },
          { role: 'user', content: [{ type: 'text', text: 'Hi' }, { type: 'image_url' }], name: 'ana' },
        ],
      },
      {
        messages: [
          { role: 'user', content: 'Weather?' },
          {
            role: 'assistant',
            content: null,
            tool_calls: [{ function: { name: 'look_up', arguments: '{"city":"Porto"}' } }],
          },
          { role: 'assistant', content: 'Sunny.' },
        ],
      },
    ];
    here.at.write('chats.jsonl', lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    expectCode(await here.run(['chats.jsonl', '--preset', 'openai-chat', '--user', 'ana']), 0);
    expect(await thread(here, 'own')).toEqual(['Be kind.', 'Hi\n[image]']);
    expect(await thread(here, 'chats-2')).toEqual(['Weather?', 'look_up({"city":"Porto"})', 'Sunny.']);
  });
});

describe.skipIf(!hasData)('real exports (need the data folder)', () => {
  it('LoCoMo by preset is LoCoMo by mapping, item for item', async () => {
    const here = await setUp();
    const items = async (words: readonly string[]): Promise<unknown> => {
      const ended = await here.at.start(['preview', join(DATA, 'locomo'), ...words, '-n', '10000', '-o', 'json']);
      expect(ended.code).toBe(0);
      return (JSON.parse(ended.stdout) as { items: unknown }).items;
    };
    const byPreset = await items(['--preset', 'locomo']);
    expect(byPreset).toHaveLength(5_882);
    expect(byPreset).toEqual(await items(['-m', join(MAPPINGS, 'locomo.yaml')]));
  });

  it('the Slack export of the peer goes in, with real names', async () => {
    const here = await setUp();
    expectCode(await here.run([join(DATA, 'zep-ingest-examples/slack_export'), ...SLACK]), 0);
    const texts = await here.remote.contents('g:g');
    expect(texts).toHaveLength(15);
    expect(texts.every((text) => /^[A-Z][A-Za-z]+ [A-Z][a-z]+: /.test(text))).toBe(true);
    expect(texts.join('\n')).not.toMatch(/<@|&amp;/);
  });
});
