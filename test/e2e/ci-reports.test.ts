/** Imports as CI jobs run them: what went wrong is shown at its file and line, in the job's summary, as test results, and told to an address. */
import { createHmac } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { Webhook } from 'svix';
import { describe, expect, it } from 'vitest';
import { readingCommand } from '../support/attempts.js';
import {
  closedAfterEach,
  expectCode,
  jsonLines,
  mapping,
  SMALL,
  said,
  testRows,
  type Imports,
} from '../support/imports.js';
import { receiver, type Answer, type Receiver } from '../support/receiver.js';
import { commandsIn } from '../support/runner-commands.js';

const { setUp, alsoClose } = closedAfterEach();

const SECRET = `whsec_${Buffer.from('a key of thirty-two bytes, no more').toString('base64')}`;

/** The environment that GitHub gives a step, in the folder of the imports. */
function github(here: Imports): Record<string, string> {
  return {
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_WORKSPACE: here.at.folder,
    GITHUB_STEP_SUMMARY: here.at.path('step-summary.md'),
  };
}

const file = (here: Imports, name: string): string => readFileSync(here.at.path(name), 'utf8');

async function listening(...answers: readonly Answer[]): Promise<Receiver> {
  const made = await receiver(...answers);
  alsoClose(made);
  return made;
}

const BAD_CSV = `id,graph,text,at
1,g1,fine,2024-05-01T00:00:00Z
2,g1,,2024-05-01T00:00:01Z
3,g1,"two
lines",2024-05-01T00:00:02Z
4,g1,"::add-mask::owned ##[error]owned",yesterday
`;

describe('a job of GitHub Actions', () => {
  it('shows rejected rows and failed items at file and line, in the summary of the job, and as JUnit', async () => {
    const here = await setUp({ lasting: ['process:*=fail-item,pattern=#bad,message=%3A%3Aerror::no <b>'] });
    mkdirSync(here.at.path('data'));
    writeFileSync(here.at.path('data/tickets.csv'), `${BAD_CSV}5,g1,row #bad,2024-05-01T00:00:03Z\n`);
    const tried = await here.command(
      ['run', 'data/tickets.csv', '-m', 'map.yaml', '--create-missing', 'graphs', '--junit', 'reports/junit.xml'],
      { env: github(here) },
    );
    expectCode(tried, 10);
    const commands = commandsIn(tried.stderr);
    expect(commands.map(({ name, properties }) => [name, properties['file'], properties['line']])).toEqual([
      ['error', 'data/tickets.csv', '3'],
      ['error', 'data/tickets.csv', '6'],
      ['error', 'data/tickets.csv', '7'],
    ]);
    expect(commands[0]?.properties['title']).toBe('zep-import: row rejected [map missing-field]');
    expect(commands[2]?.data).toContain('<b>');
    // The result is one JSON object and nothing else.
    expect(commandsIn(tried.stdout)).toEqual([]);
    expect(tried.report?.type).toBe('summary');

    const summary = file(here, 'step-summary.md');
    expect(summary).toContain('### zep-import run: ❌ Finished with errors: 2 rows rejected and 1 item failed.');
    expect(summary).toContain('| records read | 5 |');
    expect(summary).toContain('first at `data/tickets.csv:3`');
    expect(summary).toContain('zep-import retry');
    const xml = file(here, 'reports/junit.xml');
    expect(xml).toContain('tests="3" failures="2" errors="0" skipped="0"');
    expect(xml).toContain('data/tickets.csv:3: ');
    expect(readdirSync(here.at.path('reports'))).toEqual(['junit.xml']);
  });

  it('shows mistakes of the mapping where they are, also when a check finds them, and tells how it ended', async () => {
    const here = await setUp();
    here.at.write('rows.jsonl', jsonLines(testRows(2)));
    here.at.write('map.yaml', `${mapping()}wher: 'x'\n`);
    for (const command of ['run', 'check']) {
      const words = [command, 'rows.jsonl', '-m', 'map.yaml', '--junit', 'junit.xml'];
      const tried = await here.at.start([...words, ...here.remote.flags], { env: github(here) });
      expect(tried.code).toBe(2);
      const [only, ...others] = commandsIn(tried.stderr);
      expect(others).toEqual([]);
      expect(only).toMatchObject({ name: 'error', properties: { file: 'map.yaml', line: '7' } });
      expect(only?.data).toContain('wher');
      expect(file(here, 'junit.xml')).toContain(`<testcase classname="zep-import" name="${command}" time="0">`);
    }
    expect(file(here, 'step-summary.md').match(/^### zep-import \w+: ❌ Failed: exit code 2$/gm)).toHaveLength(2);
  });

  it('a check shows the rows that would be rejected, and the tests of the mapping that fail', async () => {
    const here = await setUp();
    here.at.write('tickets.csv', BAD_CSV);
    here.at.write('map.yaml', `${mapping()}tests:\n  - { row: { graph: g, text: a }, expect: { data: b } }\n`);
    const words = [
      'check',
      'tickets.csv',
      '-m',
      'map.yaml',
      '--junit',
      'junit.xml',
      '--summary-file',
      'out/summary.md',
    ];
    const tried = await here.at.start(words, { env: github(here) });
    expect(tried.code).toBe(2);
    const [test, ...rows] = commandsIn(tried.stderr);
    expect(test).toMatchObject({ properties: { title: 'zep-import: test of the mapping failed' } });
    expect(rows.map(({ properties }) => properties['line'])).toEqual(['3', '6']);
    expect(file(here, 'out/summary.md')).toBe(file(here, 'step-summary.md'));
    expect(file(here, 'out/summary.md')).toContain('2 of 4 rows would be rejected');
    expect(file(here, 'junit.xml')).toContain('1 test of the mapping failed');
  });

  it('resume and retry report as run does, and also when there is nothing to do', async () => {
    const here = await setUp();
    here.at.write('tickets.csv', BAD_CSV);
    const words = ['run', 'tickets.csv', '-m', 'map.yaml', '--create-missing', 'graphs', '--stage-only'];
    expectCode(await here.command([...words, '--junit', 'first.xml', '--summary-file', 'first.md']), 14);
    expect(file(here, 'first.xml')).toContain('<skipped message="draft: 2 items"/>');
    const resumed = await here.command(['resume', '--junit', 'second.xml'], { env: github(here) });
    expectCode(resumed, 10);
    expect(file(here, 'second.xml')).toContain('name="zep-import resume ');
    expect(file(here, 'second.xml')).toContain('2 rows rejected');
    // The reports of the first command are its own.
    expect(file(here, 'first.xml')).toContain('draft');
    expect(resumed.report?.next).not.toContain('junit');
    const retried = await here.command(['retry'], { env: github(here) });
    expectCode(retried, 10);
    expect(commandsIn(retried.stderr).map(({ properties }) => properties['line'])).toEqual(['3', '6']);
    const nothing = await here.command(['resume', '--junit', 'third.xml'], { env: github(here) });
    expectCode(nothing, 4);
    expect(commandsIn(nothing.stderr)).toMatchObject([
      { name: 'error', properties: { title: 'zep-import: not-open' } },
    ]);
    expect(file(here, 'third.xml')).toContain('errors="1"');
  });

  it('no name of a file, no text of a row and no word of a service becomes a command of its own', async () => {
    const here = await setUp();
    const name = '::stop-commands::x ##[add-mask]y.csv';
    here.at.write(name, BAD_CSV);
    const run = ['run', '--create-missing', 'graphs', ...here.remote.flags];
    for (const words of [run, ['check'], ['preview']]) {
      const tried = await here.at.start([...words, name, '-m', 'map.yaml'], { env: github(here) });
      const commands = [...commandsIn(tried.stdout), ...commandsIn(tried.stderr)];
      expect(commands.filter(({ name: command }) => command !== 'error')).toEqual([]);
      expect(commands).toHaveLength(words[0] === 'preview' ? 0 : 2);
      expect(existsSync(here.at.path('owned'))).toBe(false);
    }
  });
});

describe('--annotations', () => {
  it('none writes none there, github writes them anywhere, and JSON streams stay JSON', async () => {
    const here = await setUp();
    here.at.write('tickets.csv', BAD_CSV);
    const words = ['check', here.at.path('tickets.csv'), '-m', here.at.path('map.yaml')];
    const count = async (more: readonly string[], env: Record<string, string> = github(here)): Promise<number[]> => {
      const { stdout, stderr } = await readingCommand([...words, ...more], env);
      return [commandsIn(stdout).length, commandsIn(stderr).length];
    };
    expect(await count(['--annotations', 'none'])).toEqual([0, 0]);
    expect(await count([], {})).toEqual([0, 0]);
    expect(await count(['--annotations', 'github'], {})).toEqual([0, 2]);
    expect(await count(['-o', 'json'])).toEqual([0, 2]);
    expect(await count(['--progress', 'json'])).toEqual([2, 0]);
    expect(await count(['--progress', 'json', '-o', 'json'])).toEqual([0, 0]);
    expect(await count([], { ...github(here), ZEP_IMPORT_ANNOTATIONS: 'none' })).toEqual([0, 0]);
    const nowhere = await readingCommand([...words, '--progress', 'json', '-o', 'json', '--annotations', 'github']);
    expect(nowhere.code).toBe(2);
    expect(nowhere.stdout).toContain('no-place-for-annotations');
  });
});

describe('a report that cannot be written', () => {
  it('is refused before anything is sent: over a file that is no report, or into a folder', async () => {
    const here = await setUp();
    here.at.write('rows.jsonl', jsonLines(testRows(2)));
    for (const flag of ['--junit', '--summary-file']) {
      // The name behind the flag was forgotten.
      const forgotten = await here.run([flag, 'rows.jsonl', '-m', 'map.yaml']);
      expectCode(forgotten, 2);
      expect(said(forgotten)).toContain('it is no report');
      expectCode(await here.run(['rows.jsonl', '-m', 'map.yaml', flag, '.']), 2);
    }
    expect(file(here, 'rows.jsonl')).toBe(jsonLines(testRows(2)));
    expect(here.added()).toBe(0);
  });

  it('at the end is told, and changes neither the exit code nor what was imported', async () => {
    const here = await setUp();
    here.at.write('rows.jsonl', jsonLines(testRows(2)));
    here.at.write('full.md', 'x'.repeat(1024 * 1024));
    const env = { ...github(here), GITHUB_STEP_SUMMARY: here.at.path('full.md') };
    const full = await here.run(['rows.jsonl', '-m', 'map.yaml'], { env });
    expectCode(full, 0);
    expect(full.notices).toContain('report-failed');
    const missing = { ...github(here), GITHUB_STEP_SUMMARY: here.at.path('no/such/folder.md') };
    const tried = await here.run(['rows.jsonl', '-m', 'map.yaml'], { env: missing });
    expectCode(tried, 0);
    expect(tried.notices).toContain('report-failed');
  });
});

interface Message {
  readonly type: string;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Verified twice: by a library that is not ours, and by hand. */
function verified({ received }: Receiver): Message[] {
  return received.map(({ headers, body }) => {
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = headers;
    const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
    const own = createHmac('sha256', key)
      .update(`${String(id)}.${String(at)}.${body}`)
      .digest('base64');
    expect(signature).toBe(`v1,${own}`);
    return new Webhook(SECRET).verify(body, headers as Record<string, string>) as Message;
  });
}

describe('--notify', () => {
  it('tells how a run ended with its summary, signed, and tries again with the same id', async () => {
    const here = await setUp();
    here.at.write('tickets.csv', BAD_CSV);
    const there = await listening(503, 204);
    const env = { ZEP_IMPORT_NOTIFY: `${there.url}/ended`, ZEP_IMPORT_NOTIFY_SECRET: SECRET };
    const tried = await here.run(['tickets.csv', '-m', 'map.yaml'], { env });
    expectCode(tried, 10);
    const [message, again] = verified(there);
    expect(again).toEqual(message);
    expect(new Set(there.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(message?.type).toBe('run.ended');
    expect(message?.data).toEqual(JSON.parse(tried.stdout));
    expect(there.received[0]?.body).not.toMatch(/yesterday|owned/);
  });

  it('tells of a run that could not begin, and of one that was interrupted', async () => {
    const here = await setUp({ latencyMs: 20 });
    const there = await listening(204);
    const env = { ZEP_IMPORT_NOTIFY_SECRET: SECRET };
    expectCode(await here.run(['nowhere.jsonl', '-m', 'map.yaml', '--notify', there.url], { env }), 2);
    here.at.write('rows.jsonl', jsonLines(testRows(2_000)));
    const words = ['run', 'rows.jsonl', '-m', 'map.yaml', ...SMALL, '--create-missing', 'graphs', '--progress', 'json'];
    const running = here.at.start([...words, '--notify', there.url, ...here.remote.flags], { env });
    await running.saw('"type":"batch"');
    running.child.kill('SIGINT');
    expect((await running).code).toBe(130);
    const [first, second, ...others] = verified(there);
    expect(others).toEqual([]);
    expect(first?.data).toMatchObject({ type: 'error', exit_code: 2 });
    expect(second?.data).toMatchObject({ type: 'summary', status: 'interrupted', exit_code: 130 });
  });

  it('that fails is a notice and changes no exit code; without a secret it is unsigned and says so', async () => {
    const here = await setUp();
    here.at.write('rows.jsonl', jsonLines(testRows(2)));
    const there = await listening(403);
    const url = there.url.replace('//', '//me:hidden@');
    const tried = await here.run(['rows.jsonl', '-m', 'map.yaml', '--notify', `${url}/x?token=hidden`]);
    expectCode(tried, 0);
    expect(tried.notices).toEqual(expect.arrayContaining(['notify-unsigned', 'notify-failed']));
    expect(there.received).toHaveLength(1);
    expect(there.received[0]?.headers['webhook-signature']).toBeUndefined();
    const kept = readdirSync(here.at.path('state'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(`${entry.parentPath}/${entry.name}`, 'latin1'));
    for (const text of [said(tried), ...kept]) expect(text).not.toContain('hidden');
  });

  it('refuses what cannot be right before anything is sent, without repeating it', async () => {
    const here = await setUp();
    here.at.write('rows.jsonl', jsonLines(testRows(2)));
    const words = ['rows.jsonl', '-m', 'map.yaml', '--notify'];
    const plain = await here.run([...words, 'http://me:hidden@example.com/']);
    expectCode(plain, 2);
    expect(said(plain)).not.toContain('hidden');
    const env = { ZEP_IMPORT_NOTIFY_SECRET: 'whsec_%%hidden%%' };
    const secret = await here.run([...words, 'https://example.com/'], { env });
    expectCode(secret, 2);
    expect(said(secret)).not.toContain('hidden');
    expect(here.added()).toBe(0);
  });
});

describe('a report where no folder can be made', () => {
  it.skipIf(process.platform !== 'linux')('is refused at once, before anything is read', async () => {
    const here = await setUp();
    here.at.write('rows.jsonl', jsonLines(testRows(2)));
    for (const flag of ['--junit', '--summary-file']) {
      const refused = await here.run(['rows.jsonl', '-m', 'map.yaml', flag, '/proc/nowhere/report']);
      expectCode(refused, 2);
      expect(said(refused)).toContain(`${flag} /proc/nowhere/report cannot be written`);
    }
    expect(here.added()).toBe(0);
  });
});
