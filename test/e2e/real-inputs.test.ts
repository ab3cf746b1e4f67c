import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ZepClient } from '@getzep/zep-cloud';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DATA, hasData, MAPPINGS, workplace, type Workplace } from '../support/cli.js';

let at: Workplace;
beforeEach(() => {
  at = workplace();
});
afterEach(() => at.close());

interface Summary {
  readonly accepted: number;
  readonly rejected: number;
  readonly items: { readonly succeeded: number; readonly failed: number; readonly open: number };
  readonly created: { readonly users: number; readonly graphs: number; readonly threads: number };
}

async function importWith(
  mapping: string,
  sources: readonly string[],
): Promise<{ summary: Summary; client: ZepClient; url: string }> {
  const url = await at.serve();
  const run = await at.start(
    [
      'run',
      ...sources,
      '-m',
      join(MAPPINGS, mapping),
      '--api-url',
      url,
      '--create-missing',
      'users,graphs,threads',
      '--progress',
      'none',
      '-o',
      'json',
    ],
    { env: { ZEP_API_KEY: 'test' } },
  );
  expect(run.stderr).toBe('');
  expect(run.code).toBe(0);
  return { summary: JSON.parse(run.stdout) as Summary, client: new ZepClient({ apiKey: 'test', baseUrl: url }), url };
}

async function threads(client: ZepClient): Promise<string[]> {
  const ids: string[] = [];
  for (let page = 1; ; page++) {
    const { threads = [] } = await client.thread.listAll({ pageNumber: page, pageSize: 100 });
    ids.push(...threads.flatMap((thread) => (thread.threadId === undefined ? [] : [thread.threadId])));
    if (threads.length < 100) return ids;
  }
}

describe.skipIf(!hasData)('real inputs, read back with the official client', () => {
  it('LoCoMo: every turn of every session is one message, a thread a session, dated and named', async () => {
    const { summary, client } = await importWith('locomo.yaml', [join(DATA, 'locomo')]);
    expect(summary).toMatchObject({ accepted: 5_882, rejected: 0, items: { succeeded: 5_882, failed: 0, open: 0 } });

    const source = JSON.parse(readFileSync(join(DATA, 'locomo', '26.json'), 'utf8')) as Record<string, unknown>;
    const turns = source['session_1'] as { speaker: string; text: string }[];
    const ids = await threads(client);
    expect(ids).toHaveLength(summary.created.threads);
    const texts = turns.map((turn) => turn.text);
    let found = 0;
    for (const id of ids) {
      const { messages = [] } = await client.thread.get(id, { limit: 1_000 });
      if (messages[0]?.content !== texts[0]) continue;
      found += 1;
      expect(messages.map((message) => message.content)).toEqual(texts);
      expect(messages.map((message) => message.name)).toEqual(turns.map((turn) => turn.speaker));
      for (const message of messages) expect(Date.parse(message.createdAt ?? '')).toBe(Date.UTC(2023, 4, 8, 13, 56));
    }
    expect(found).toBe(1);
  });

  it('schema-guided dialogue: one thread a dialogue, the role from the speaker', async () => {
    const { summary, client } = await importWith('sgd.yaml', [join(DATA, 'schema-guided-dialogue')]);
    expect(summary).toMatchObject({ accepted: 9_088, rejected: 0, items: { succeeded: 9_088 } });
    const dialogues = readdirSync(join(DATA, 'schema-guided-dialogue'))
      .filter((name) => name.endsWith('.json'))
      .flatMap(
        (name) =>
          JSON.parse(readFileSync(join(DATA, 'schema-guided-dialogue', name), 'utf8')) as {
            turns: { speaker: string; utterance: string }[];
          }[],
      );
    const ids = await threads(client);
    expect(ids).toHaveLength(dialogues.length);
    const [first] = dialogues;
    const messages = await Promise.all(
      ids.map(async (id) => (await client.thread.get(id, { limit: 1_000 })).messages ?? []),
    );
    expect(messages.map((list) => list.length).sort((a, b) => a - b)).toEqual(
      dialogues.map(({ turns }) => turns.length).sort((a, b) => a - b),
    );
    expect(
      messages.some(
        (list) =>
          JSON.stringify(list.map((message) => [message.role, message.content])) ===
          JSON.stringify(first?.turns.map((turn) => [turn.speaker === 'USER' ? 'user' : 'assistant', turn.utterance])),
      ),
    ).toBe(true);
  });

  it('banking77: one episode a question, its intent as metadata', async () => {
    const { summary, url } = await importWith('banking77.yaml', [join(DATA, 'banking77', 'train.csv')]);
    expect(summary).toMatchObject({ accepted: 10_003, rejected: 0, items: { succeeded: 10_003 } });
    const graphs = await new ZepClient({ apiKey: 'test', baseUrl: url }).graph.listAll({ pageSize: 50 });
    const graph = graphs.graphs?.[0]?.graphId ?? '';
    const { episodes = [] } = await new ZepClient({ apiKey: 'test', baseUrl: url }).graph.episode.getByGraphId(graph, {
      lastn: 1,
    });
    expect(episodes).toHaveLength(1);
    expect(Object.values(episodes[0]?.metadata ?? {})).toContain('country_support');
  });

  it('JSON test suite: what may parse is read, what may not is rejected with its place, nothing crashes', async () => {
    const folder = join(DATA, 'json-test-suite', 'test_parsing');
    const mapping = at.write(
      'any.yaml',
      "version: 1\nitem: { type: graph_episode, graph_id: g, data: '{{ json(row) }}' }\n",
    );
    const names = readdirSync(folder).filter((name) => name.startsWith('n_'));
    const check = await at.start([
      'check',
      ...names.map((name) => join(folder, name)),
      '--format',
      'json',
      '-m',
      mapping,
      '--progress',
      'none',
      '-o',
      'json',
    ]);
    const report = JSON.parse(check.stdout) as {
      items: { total: number };
      records: { rejected: number; mapped: number };
    };
    expect(report.items.total).toBe(0);
    expect(report.records.mapped).toBe(0);
    expect(report.records.rejected).toBeGreaterThanOrEqual(names.length);
    expect(check.code).toBe(10);
  });
});
