/** Files of dated rows that already are items for the service, some 420 bytes each, all for one graph; the same for every run. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { textOf } from './support.js';

const FIRST_TIME = Date.UTC(2020, 0, 1);
const BLOCK_ROWS = 1_000;

function wireRow(i: number): string {
  return JSON.stringify({
    type: 'graph_episode',
    graph_id: 'bench',
    data: textOf(i),
    data_type: 'text',
    created_at: new Date(FIRST_TIME + i * 1_000).toISOString(),
    metadata: { id: `row-${i}`, author: i % 3 === 0 ? 'agent' : 'customer', no: i % 1_000, source: 'bench' },
  });
}

/** The same rows with a key of their own: a mapping that makes the same items of them. */
export const KEYED_MAPPING = `version: 1
key: '{{ metadata.id }}'
item:
  type: graph_episode
  graph_id: bench
  data: '{{ data }}'
  created_at: { from: created_at }
  metadata: { id: '{{ metadata.id }}', author: '{{ metadata.author }}', no: '{{ metadata.no }}', source: bench }
`;

/** Writes the first rows of the one endless file to each of the paths, as many as each is given. */
export async function writeWireFiles(files: Readonly<Record<string, number>>): Promise<void> {
  const open = Object.entries(files).map(([path, rows]) => ({ stream: createWriteStream(path), rows }));
  const most = Math.max(...open.map(({ rows }) => rows));
  for (let at = 0; at < most; at += BLOCK_ROWS) {
    let block = '';
    for (let i = at; i < Math.min(most, at + BLOCK_ROWS); i++) block += `${wireRow(i)}\n`;
    for (const { stream, rows } of open) {
      if (at < rows && !stream.write(block)) await once(stream, 'drain');
    }
  }
  await Promise.all(open.map(({ stream }) => once(stream.end(), 'finish')));
}
