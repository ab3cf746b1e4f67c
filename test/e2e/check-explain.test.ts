/** `check --explain` with the real program. */
import { afterEach, describe, expect, it } from 'vitest';
import { workplace, type Workplace } from '../support/cli.js';

let at: Workplace;
afterEach(() => at.close());

const MAPPING = `version: 1
where: 'kind != "x"'
key: '{{ id }}'
item:
  type: thread_message
  user_id: '{{ customer }}'
  thread_id: 't-{{ id }}'
  role: { from: who, map: { agent: assistant }, default: norole }
  content: '{{ text }}'
  created_at: { from: at, format: dd/MM/yyyy, zone: UTC }
`;
const ROWS = [
  'id,customer,who,text,at,kind',
  '1,c1,agent,one,01/05/2024,a',
  '2,c1,cust,"two\nlines",02/05/2024,a',
  '3,c2,agent,three,never,a',
  '4,c2,agent,four,04/05/2024,x',
].join('\n');

interface Explained {
  readonly rows: readonly {
    readonly line: number;
    readonly record: number;
    readonly fate: string;
    readonly steps: readonly {
      readonly name: string;
      readonly mapping_line: number;
      readonly value?: unknown;
      readonly error?: string;
    }[];
    readonly items: readonly {
      readonly wire: Record<string, unknown>;
      readonly key: string;
      readonly owner: string;
      readonly slot: number;
    }[];
    readonly rejections: readonly { readonly code: string }[];
  }[];
  readonly exit_code: number;
}
async function explained(rows: string): Promise<Explained> {
  const ended = await at.start(['check', 'rows.csv', '-m', 'map.yaml', '--explain', rows, '-o', 'json']);
  const told = JSON.parse(ended.stdout) as Explained;
  expect(ended.code).toBe(told.exit_code);
  return told;
}
function setUp(mapping = MAPPING): void {
  at = workplace();
  at.write('map.yaml', mapping);
  at.write('rows.csv', ROWS);
}

describe('check --explain', () => {
  it('tells each step with its line in the mapping, what it gives, and the item as it is sent', async () => {
    setUp();
    const { rows, exit_code: code } = await explained('1');
    expect(code).toBe(0);
    expect(rows[0]?.steps.map(({ name, mapping_line: line, value }) => [name, line, value])).toEqual([
      ['where', 2, true],
      ['key', 3, '1'],
      ['thread_id', 7, 't-1'],
      ['role', 8, 'assistant'],
      ['content', 9, 'one'],
      ['created_at', 10, '01/05/2024'],
      ['user_id', 6, 'c1'],
    ]);
    expect(rows[0]?.items).toMatchObject([
      { key: '1', owner: 'c1', wire: { thread_id: 't-1', role: 'assistant', created_at: '2024-05-01T00:00:00Z' } },
    ]);
  });

  it('finds records by number and by any of their lines, and says which would be rejected, and why', async () => {
    setUp();
    const { rows, exit_code: code } = await explained('rows.csv:4,3,4');
    expect(rows.map(({ record, fate }) => [record, fate])).toEqual([
      [2, 'mapped'],
      [3, 'rejected'],
      [4, 'skipped'],
    ]);
    expect(rows[1]?.rejections).toMatchObject([{ code: 'date-format' }]);
    expect(code).toBe(10);
  });

  it('gives what a preview gives', async () => {
    setUp();
    const { rows } = await explained('1,2');
    const preview = await at.start(['preview', 'rows.csv', '-m', 'map.yaml', '-n', '2', '-o', 'json']);
    const { items } = JSON.parse(preview.stdout) as { items: { wire: unknown }[] };
    expect(rows.flatMap((row) => row.items.map(({ wire }) => wire))).toEqual(items.map(({ wire }) => wire));
  });

  it('shows for people where a record stands and what became of it', async () => {
    setUp();
    const ended = await at.start(['check', 'rows.csv', '-m', 'map.yaml', '--explain', '3']);
    expect(ended.stdout).toContain('# rows.csv:5, record 3');
    expect(ended.stdout).toContain('rejected  created_at: at does not look like dd/MM/yyyy');
  });

  it.each([
    ['9', 'there is no record 9'],
    ['other.csv:1', 'there is no other.csv:1'],
    ['zero', '--explain cannot read "zero"'],
  ])('ends with 2 for what is not there: %s', async (rows, message) => {
    setUp();
    const ended = await at.start(['check', 'rows.csv', '-m', 'map.yaml', '--explain', rows]);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain(message);
  });

  it('shows nothing that the mapping redacts', async () => {
    setUp(MAPPING.replace('where:', 'redact: [{ pattern: one }]\nwhere:'));
    const ended = await at.start(['check', 'rows.csv', '-m', 'map.yaml', '--explain', '1']);
    expect(ended.stdout).not.toContain('"one"');
    expect(ended.stdout).toContain('[redacted]');
  });

  it('tells of a mistyped column, of columns that are not used, and of the days that the data cover', async () => {
    setUp(MAPPING.replace("'{{ text }}'", "'{{ txt }}'"));
    const ended = await at.start(['check', 'rows.csv', '-m', 'map.yaml', '-o', 'json']);
    const { coverage, notices } = JSON.parse(ended.stdout) as {
      coverage: { unused: unknown; absent: unknown };
      notices: unknown[];
    };
    expect(coverage).toMatchObject({ unused: [{ column: 'text', records: 4 }], absent: ['txt'] });
    expect(notices).toContainEqual(expect.objectContaining({ code: 'absent-column', hint: 'did you mean text?' }));
  });
});
