/** Inputs that are the same for every run: made at the first call, row by row, in a folder that goes with the bench. */
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SLOTS, slotOf } from '../src/lanes/destination.js';

const WORDS =
  'order battery café delivery 配送 late charger brake "quoted" invoice naïve refund линия track\nnew address, warranty 🔋 it\'s done'.split(
    ' ',
  );
const FIRST_TIME = Date.UTC(2020, 0, 1);
const BLOCK_ROWS = 1_000;

/** The text of row i: long-tailed (one in fifty is ten times as long), with other scripts, quotes, commas and newlines. `scale` makes all longer. */
export function textOf(i: number, scale = 1): string {
  let seed = (i * 2654435761) >>> 0;
  const next = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 8;
  const words = (18 + (next() % 44) + (next() % 50 === 0 ? 400 : 0)) * scale;
  const parts: string[] = [];
  for (let w = 0; w < words; w++) parts.push(WORDS[next() % WORDS.length] ?? '');
  return parts.join(' ');
}

export interface BenchRow {
  readonly id: number;
  readonly author: string;
  readonly ticket: number;
  readonly topic: string;
  readonly sent: string;
  readonly body: string;
}

export interface Shape {
  /** Graphs or threads that the rows are spread over. */
  readonly destinations?: number;
  /** As many graphs as there are slots, one a slot: lanes then have the same to do. */
  readonly isEven?: boolean;
  /** How many times as long the texts are. */
  readonly scale?: number;
}

/** Numbers of graphs, one for each slot. */
const EVEN = Array.from({ length: SLOTS }, (_, slot) => {
  let n = 0;
  while (slotOf(`g:bench-${n}`) !== slot) n += 1;
  return n;
});

export function rowOf(i: number, { destinations = 10, scale = 1, isEven = false }: Shape = {}): BenchRow {
  return {
    id: i,
    author: i % 3 === 0 ? 'agent' : 'customer',
    ticket: isEven ? (EVEN[i % SLOTS] ?? 0) : i % destinations,
    topic: WORDS[i % 10] ?? '',
    sent: new Date(FIRST_TIME + i * 1_000).toISOString(),
    body: textOf(i, scale),
  };
}

const cell = (value: string | number): string => {
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

const FORMATS = {
  jsonl: { before: '', after: '', line: (row: BenchRow) => `${JSON.stringify(row)}\n` },
  json: {
    before: '[\n',
    after: '\n]\n',
    line: (row: BenchRow) => `${row.id === 0 ? '' : ',\n'}${JSON.stringify(row)}`,
  },
  csv: {
    before: 'id,author,ticket,topic,sent,body\n',
    after: '',
    line: (row: BenchRow) => `${Object.values(row).map(cell).join(',')}\n`,
  },
} as const;
export type BenchFormat = keyof typeof FORMATS;

const EPISODE = `item:
  type: graph_episode
  graph_id: 'bench-{{ ticket }}'
  data: '{{ body }}'
  created_at: { from: sent }
  metadata: { author: '{{ author }}', topic: '{{ topic }}', id: '{{ id }}' }
`;

const MAPPINGS = {
  episodes: `version: 1\n${EPISODE}`,
  keyed: `version: 1\nkey: '{{ id }}'\n${EPISODE}`,
  messages: `version: 1
item:
  type: thread_message
  thread_id: 'bench-{{ ticket }}'
  user_id: bench
  role: { from: author, map: { agent: assistant, customer: user } }
  content: '{{ body }}'
  created_at: { from: sent }
`,
  /** Eight expressions, which give what \`plain\` takes from its columns. */
  expressions: `version: 1
where: 'author in ["agent", "customer"]'
item:
  type: graph_episode
  graph_id: { expr: '"bench-" + string(ticket % 10)' }
  data: { expr: 'author.upper() + ": " + body' }
  created_at: { expr: 'sent' }
  source_description: { expr: 'size(topic) > 3 ? "about " + topic : topic' }
  metadata:
    author: { expr: 'author == "agent" ? "staff" : "client"' }
    topic: { expr: 'coalesce(topic, "none").lower()' }
    id: { expr: 'string(id * 2 + 1)' }
`,
  plain: `version: 1
item:
  type: graph_episode
  graph_id: 'bench-{{ ticket }}'
  data: '{{ author }}: {{ body }}'
  created_at: { from: sent }
  source_description: 'about {{ topic }}'
  metadata: { author: '{{ author }}', topic: '{{ topic }}', id: '{{ id }}' }
`,
} as const;
export type BenchMapping = keyof typeof MAPPINGS;

export class Inputs {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  mapping(name: BenchMapping): string {
    const path = join(this.#folder, `${name}.yaml`);
    writeFileSync(path, MAPPINGS[name]);
    return path;
  }

  /** A file of so many rows. */
  async rows(count: number, format: BenchFormat = 'jsonl', shape: Shape = {}): Promise<string> {
    const path = join(
      this.#folder,
      `${count}-${shape.isEven === true ? 'even' : (shape.destinations ?? 0)}-${shape.scale ?? 1}.${format}`,
    );
    if (existsSync(path)) return path;
    const { before, after, line } = FORMATS[format];
    const stream = createWriteStream(path);
    stream.write(before);
    for (let at = 0; at < count; at += BLOCK_ROWS) {
      let block = '';
      for (let i = at; i < Math.min(count, at + BLOCK_ROWS); i++) block += line(rowOf(i, shape));
      if (!stream.write(block)) await once(stream, 'drain');
    }
    await once(stream.end(after), 'finish');
    return path;
  }

  /** A folder of so many Markdown documents of a few pages each. */
  documents(count: number): string {
    const path = join(this.#folder, `${count}-documents`);
    if (existsSync(path)) return path;
    mkdirSync(path);
    for (let i = 0; i < count; i++) {
      const sections = Array.from({ length: 8 }, (_, s) => `## ${WORDS[s]} ${i}\n\n${textOf(i * 8 + s, 6)}\n`);
      writeFileSync(join(path, `${i}.md`), `# Document ${i}\n\n${sections.join('\n')}`);
    }
    return path;
  }
}
