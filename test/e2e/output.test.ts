import { existsSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BIN, wireLines, workplace, type Workplace } from '../support/cli.js';

let at: Workplace;
beforeEach(() => {
  at = workplace();
});
afterEach(() => at.close());

const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;

describe('what a run says', () => {
  it('goes to standard error as plain lines where there is no terminal, without control characters; the result alone to standard output', async () => {
    const file = at.write('rows.jsonl', wireLines(30));
    const { stdout, stderr, code } = await at.start([file, '--local']);
    expect(code).toBe(0);
    expect(stderr).not.toMatch(CONTROL);
    expect(stdout).not.toMatch(CONTROL);
    expect(stderr).toContain('local server');
    expect(stdout).toContain('30');
  });

  it('is one JSON object on standard output with -o json, on success and on failure', async () => {
    const file = at.write('rows.jsonl', wireLines(3));
    const good = await at.start([file, '--local', '-o', 'json', '--progress', 'none']);
    expect(JSON.parse(good.stdout)).toMatchObject({
      type: 'summary',
      status: 'completed',
      exit_code: 0,
      read: 3,
      accepted: 3,
      rejected: 0,
      records: { read: 3, mapped: 3, skipped: 0, rejected: 0 },
      items: {
        produced: 3,
        accepted: 3,
        known: 0,
        rejected: 0,
        succeeded: 3,
        failed: 0,
        skipped: 0,
        canceled: 0,
        open: 0,
      },
    });
    for (const args of [
      ['missing.jsonl', '-o', 'json'],
      ['--nonsense', '-o', 'json'],
      ['check', 'missing.jsonl', '-o', 'json'],
      ['batches', 'list', '-o', 'json'],
    ]) {
      const bad = await at.start(args);
      expect(JSON.parse(bad.stdout)).toMatchObject({ type: 'error', exit_code: bad.code });
      expect(bad.code).not.toBe(0);
    }
  });

  it('is nothing on standard error with -q when all went well, so that no mail comes from cron; the JSON says it all', async () => {
    const file = at.write('rows.jsonl', wireLines(3));
    const { stdout, stderr, code } = await at.start([file, '--local', '-q', '-o', 'json']);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ status: 'completed', accepted: 3 });
  });

  it('is one event a line with --progress json, each with type, ts and run', async () => {
    const file = at.write('rows.jsonl', `${wireLines(3)}nonsense\n`);
    const { stderr, code } = await at.start([file, '--local', '--progress', 'json', '-o', 'json']);
    const events = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; ts: string; run: string | null });
    expect(code).toBe(10);
    for (const event of events) {
      expect(event.type).toMatch(/^(status|batch|reject|item_failed|notice|summary|exit_error)$/);
      expect(Number.isNaN(Date.parse(event.ts))).toBe(false);
    }
    // What is told before there is a run, such as a source that is slow to open, names none.
    const begun = events.findIndex((event) => event.type === 'status');
    for (const { type, run } of events.slice(0, begun)) expect([type, run]).toEqual(['notice', null]);
    for (const { run } of events.slice(begun)) expect(typeof run).toBe('string');
    expect(events.map((event) => event.type)).toEqual(expect.arrayContaining(['status', 'batch', 'reject', 'summary']));
    expect(events.find((event) => event.type === 'reject')).toMatchObject({ line: 4, stage: 'read' });
    expect(events.at(-1)?.type).toBe('summary');
  });

  it('is a live bar in a terminal, and the terminal is left as it was found', async () => {
    const file = at.write('rows.jsonl', wireLines(3_000));
    const url = await at.serve(['--latency', '20', '--processing-rate', '4000']);
    const line = `${process.execPath} ${BIN} ${file} --api-url ${url} --create-missing graphs --chunk-size 100`;
    const { stdout, code } = await at.start(['-qec', line, '/dev/null'], {
      command: ['script'],
      env: { ZEP_API_KEY: 'k', TERM: 'xterm-256color' },
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/\d+(\.\d+)? ?%/);
    expect(stdout).toContain('\u001b[?25l');
    expect(stdout.lastIndexOf('\u001b[?25h')).toBeGreaterThan(stdout.lastIndexOf('\u001b[?25l'));
    expect(stdout).toContain('3,000');
  });

  it('begins with project, host and where the key came from, and never shows the key', async () => {
    const url = await at.serve();
    const key = 'z_1234567890abcdef';
    const keyFile = at.write('key.txt', `${key}\n`);
    const file = at.write('rows.jsonl', wireLines(3));
    const common = [file, '--api-url', url, '--create-missing', 'graphs', '-v', '--state-dir', at.path('own-state')];
    const byFile = await at.start([...common, '--api-key-file', keyFile]);
    expect(byFile.stderr.split('\n')[0]).toContain('127.0.0.1');
    expect(byFile.stderr.split('\n')[0]).toContain('--api-key-file');
    const byFlag = await at.start([...common, '-k', key, '--progress', 'json']);
    const byVariable = await at.start(common, { env: { ZEP_API_KEY: key, ZEP_IMPORT_LIMIT: '2' } });
    expect(byVariable.stderr.split('\n')[0]).toContain('ZEP_API_KEY');
    expect(byVariable.stderr).toContain('ZEP_IMPORT_LIMIT');
    for (const { stdout, stderr } of [byFile, byFlag, byVariable]) expect(stdout + stderr).not.toContain(key);
    const state = readFileSync(at.path('own-state/ledger.db'));
    expect(state.includes(key)).toBe(false);
  });

  it('shows hostile file names and rows harmlessly', async () => {
    const name = 'evil\u001b[31m\u0007.jsonl';
    const file = at.write(name, `${wireLines(1)}{"\u001b]0;owned\u0007": 1\n`);
    const { stdout, stderr } = await at.start([file, '--local']);
    expect(stderr + stdout).not.toMatch(CONTROL);
  });

  it('does not fail when the reader of its output goes away', async () => {
    const file = at.write('rows.jsonl', wireLines(50));
    const run = at.start([file, '--local', '--progress', 'plain']);
    run.child.stdout?.destroy();
    run.child.stderr?.destroy();
    expect((await run).code).toBe(0);
  });

  it('lists every rejected row with its place and reason in a file of the run, which holds no row content', async () => {
    const file = at.write('rows.jsonl', `${wireLines(2)}{"secret-content": \n`);
    const { stdout } = await at.start([file, '--local', '-o', 'json', '--progress', 'none']);
    const summary = JSON.parse(stdout) as { files: string[] };
    const list = summary.files.find((path) => path.endsWith('reject-reasons.jsonl'));
    expect(list !== undefined && existsSync(list)).toBe(true);
    const text = readFileSync(list ?? '', 'utf8');
    expect(JSON.parse(text)).toMatchObject({ line: 3, stage: 'read' });
    expect(text).not.toContain('secret-content');
  });
});

describe('check and preview', () => {
  it('check counts what an import would do and sends nothing', async () => {
    const file = at.write('rows.jsonl', `${wireLines(1_200)}nonsense\n`);
    const { stdout, code } = await at.start(['check', file, '--progress', 'none', '-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({
      records: { read: 1_201, mapped: 1_200, rejected: 1 },
      calls: { add: 3, create: 1, process: 1 },
      batches: 1,
      credits: 1_200,
    });
    expect(code).toBe(10);
    expect(existsSync(at.path('state/zep-import/ledger.db'))).toBe(false);
  });

  it('run --dry-run is check', async () => {
    const file = at.write('rows.jsonl', wireLines(5));
    const { stdout, code } = await at.start(['run', file, '-n', '--progress', 'none', '-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({ records: { read: 5 }, batches: 1 });
    expect(code).toBe(0);
  });

  it('preview shows the items exactly as they would be sent, from standard input as well, without any key', async () => {
    const { stdout, code } = await at.start(['preview', '-', '-n', '2', '-o', 'json'], { stdin: wireLines(5) });
    const { items } = JSON.parse(stdout) as { items: { wire: unknown; line: number }[] };
    expect(items).toHaveLength(2);
    expect(items[1]).toMatchObject({
      line: 2,
      wire: { type: 'graph_episode', graph_id: 'g', data: 'row 1', data_type: 'text' },
    });
    expect(code).toBe(0);
  });
});

describe('batches', () => {
  it('list, show, items and delete work on the service, and items name their source rows', async () => {
    const url = await at.serve(['--processing-rate', '0']);
    const env = { ZEP_API_KEY: 'k', ZEP_API_URL: url };
    const file = at.write('rows.jsonl', wireLines(30));
    const common = ['--create-missing', 'graphs', '--progress', 'none'];
    const staged = await at.start([file, ...common, '--batch-size', '10', '--no-wait', '-o', 'json'], { env });
    expect(staged.code).toBe(14);
    const listed = JSON.parse((await at.start(['batches', 'list', '-o', 'json'], { env })).stdout) as {
      batches: { batch_id: string; status: string }[];
    };
    expect(listed.batches.map((batch) => batch.status).sort()).toEqual([
      'draft',
      'draft',
      expect.stringMatching(/queued|processing/),
    ]);
    const draft = listed.batches.find((batch) => batch.status === 'draft')?.batch_id ?? '';
    const items = JSON.parse((await at.start(['batches', 'items', draft, '-o', 'json'], { env })).stdout) as {
      items: { source: string }[];
    };
    expect(items.items).toHaveLength(10);
    expect(items.items[0]?.source).toMatch(/rows\.jsonl:\d+$/);
    expect((await at.start(['batches', 'show', draft], { env })).stdout).toContain(draft);
    expect((await at.start(['batches', 'delete', draft, '--yes'], { env })).code).toBe(0);
    expect((await at.start(['batches', 'show', draft], { env })).code).toBe(4);
    const running = listed.batches.find((batch) => batch.status !== 'draft')?.batch_id ?? '';
    expect((await at.start(['batches', 'delete', running, '--yes'], { env })).code).toBe(2);
  });
});
