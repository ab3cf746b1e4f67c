/** What others run: the GitHub Action, the image of the Dockerfile, and the package hold together and do what they say. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { BIN, ROOT, workplace, type Workplace } from '../support/cli.js';
import { jsonLines, mapping, testRows } from '../support/imports.js';
import { commandsIn } from '../support/runner-commands.js';
import { service, type Service, type ServiceOptions } from '../support/service.js';
import { filled, readAction, runStep, type Step, type StepRunning } from '../support/steps.js';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

function place(): Workplace {
  const made = workplace();
  opened.push(made);
  return made;
}

const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');

const action = readAction(join(ROOT, 'action.yml'));

function stepOf(id: string): Step {
  const found = action.runs.steps.find((step) => step.id === id);
  if (found === undefined) throw new Error(`there is no step ${id}`);
  return found;
}

function known(
  inputs: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const all = Object.entries(action.inputs).map(([name, { default: usual }]) => [
    `inputs.${name}`,
    inputs[name] ?? usual ?? '',
  ]);
  return { ...(Object.fromEntries(all) as Record<string, string>), ...more };
}

function shellEnvironment(at: Workplace): Record<string, string> {
  mkdirSync(at.path('temp'), { recursive: true });
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: at.folder,
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_WORKSPACE: at.folder,
    GITHUB_ACTION_PATH: ROOT,
    GITHUB_STEP_SUMMARY: at.path('step-summary.md'),
    RUNNER_TEMP: at.path('temp'),
  };
}

describe('the GitHub Action', () => {
  it('is a composite action whose steps name fixed major versions, and whose scripts hold no input as text', () => {
    expect(action.runs.using).toBe('composite');
    for (const { uses, run, shell, env = {} } of action.runs.steps) {
      if (uses !== undefined) expect(uses).toMatch(/^actions\/[\w/-]+@v\d+$/);
      if (run === undefined) continue;
      expect(shell).toBe('bash');
      expect(run).not.toContain('${{');
      for (const name of Object.keys(env)) expect(run).toMatch(new RegExp(`\\$\\{?${name}\\b`));
    }
    expect(action.inputs['api-key']).toBeUndefined();
  });

  it('every expression names an input, an output of a step, or a fact of the runner', () => {
    const steps = new Map(action.runs.steps.map((step) => [step.id, step]));
    for (const [, name = ''] of read('action.yml').matchAll(/\$\{\{\s*([^}]*?)\s*\}\}/g)) {
      const [kind, first = '', , last = ''] = name.split('.');
      if (kind === 'inputs') expect(Object.keys(action.inputs)).toContain(first);
      else if (kind === 'steps') expect(steps.get(first)?.run).toContain(last);
      else expect(['github.run_id', 'github.run_attempt']).toContain(name);
    }
  });

  it('installs the version of the action, the one asked for, or a package file, beside everything else', async () => {
    const at = place();
    const env = shellEnvironment(at);
    mkdirSync(at.path('tools'));
    at.write(
      'tools/npm',
      '#!/bin/sh\nprintf "%s\\n" "$@" > "$RUNNER_TEMP/npm.txt"\nmkdir -p "$RUNNER_TEMP/zep-import/bin"\n',
    );
    chmodSync(at.path('tools/npm'), 0o755);
    const { version } = JSON.parse(read('package.json')) as { version: string };
    for (const [asked, wanted] of [
      ['', `zep-import@${version}`],
      ['1.2.3', 'zep-import@1.2.3'],
      ['./made here.tgz', './made here.tgz'],
    ] as const) {
      const step = runStep(stepOf('prepare'), known({ version: asked }), at.folder, {
        ...env,
        PATH: `${at.path('tools')}:${env['PATH']}`,
      });
      const { code, outputs, stderr } = await step;
      expect(code, stderr).toBe(0);
      expect(outputs).toEqual({ 'state-dir': at.path('temp/zep-import-state'), bin: at.path('temp/zep-import/bin') });
      expect(readFileSync(at.path('temp/npm.txt'), 'utf8').trim().split('\n').at(-1)).toBe(wanted);
      expect(statSync(at.path('temp/zep-import-state')).isDirectory()).toBe(true);
    }
  });
});

interface Job {
  readonly at: Workplace;
  readonly remote: Service;
  readonly run: (inputs: Readonly<Record<string, string>>) => StepRunning;
}

/** A job in which zep-import is installed, with a server for its address. */
async function job(options: ServiceOptions = {}): Promise<Job> {
  const at = place();
  const remote = await service(options);
  opened.push(remote);
  at.write('map.yaml', mapping({ key: '{{ id }}' }));
  mkdirSync(at.path('tools'));
  at.write('tools/zep-import', `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`);
  chmodSync(at.path('tools/zep-import'), 0o755);
  const env = { ...shellEnvironment(at), ZEP_API_URL: remote.url, ZEP_API_KEY: 'k' };
  const more = { 'steps.prepare.outputs.bin': at.path('tools'), 'steps.prepare.outputs.state-dir': at.path('state') };
  return { at, remote, run: (inputs) => runStep(stepOf('import'), known(inputs, more), at.folder, env) };
}

const CREATE = '--create-missing graphs';

describe('the import of the GitHub Action', () => {
  it('runs with sources, mapping and flags, tells its outputs, and goes on night after night', async () => {
    const { at, remote, run } = await job();
    at.write('a file.jsonl', jsonLines(testRows(3)));
    at.write('more.jsonl', jsonLines(testRows(2, 3)));
    const inputs = {
      sources: 'a file.jsonl\nmore.jsonl\n',
      mapping: 'map.yaml',
      args: `${CREATE} --name 'every night'\n`,
    };
    const first = await run(inputs);
    expect(first.code, first.stderr).toBe(0);
    expect(first.outputs).toMatchObject({ 'exit-code': '0', began: 'true' });
    const result = JSON.parse(readFileSync(first.outputs['summary'] ?? '', 'utf8')) as Record<string, unknown>;
    expect(result).toMatchObject({ type: 'summary', run: first.outputs['run'], accepted: 5 });
    expect(first.stdout).toBe('');
    const second = await run({ ...inputs, 'require-state': 'true' });
    expect(second.code, second.stderr).toBe(0);
    expect(remote.stats().items.added).toBe(5);
    expect(readFileSync(at.path('step-summary.md'), 'utf8').match(/^### zep-import run/gm)).toHaveLength(2);
  });

  it('ends with the exit code of the import, with annotations and the summary of the job', async () => {
    const { at, run } = await job();
    at.write('rows.jsonl', jsonLines(testRows(2).map((row, i) => (i === 1 ? { ...row, text: '' } : row))));
    const ended = await run({ sources: 'rows.jsonl', mapping: 'map.yaml', args: CREATE });
    expect(ended.code).toBe(10);
    expect(ended.outputs['exit-code']).toBe('10');
    expect(commandsIn(ended.stderr)).toMatchObject([{ name: 'error', properties: { file: 'rows.jsonl', line: '2' } }]);
  });

  it('sends nothing without a state that it is told to require, nor for a command that it does not know', async () => {
    const { at, remote, run } = await job();
    at.write('rows.jsonl', jsonLines(testRows(2)));
    const stateless = await run({ sources: 'rows.jsonl', mapping: 'map.yaml', 'require-state': 'true' });
    expect(stateless).toMatchObject({ code: 2, outputs: { 'exit-code': '2' } });
    expect(stateless.outputs['began']).toBeUndefined();
    expect(await run({ sources: 'rows.jsonl', command: 'discard' })).toMatchObject({ code: 2 });
    expect(remote.stats().items.added).toBe(0);
    expect(existsSync(at.path('state'))).toBe(false);
  });

  it('hands words of inputs on as they are: nothing in them is run by the shell', async () => {
    const { at, run } = await job();
    at.write('rows.jsonl', jsonLines(testRows(1)));
    const ended = await run({
      sources: 'rows.jsonl\n$(touch owned-1)\n',
      mapping: '`touch owned-2`.yaml',
      args: '--name "$(touch owned-3); touch owned-4" --graph $HOME',
      command: 'check',
    });
    expect(ended.code).toBe(2);
    for (const n of [1, 2, 3, 4]) expect(existsSync(at.path(`owned-${n}`))).toBe(false);
    expect(ended.stderr).toContain('`touch owned-2`.yaml');
  });

  it('of a job that is canceled closes its books and tells that it began, so that the state is saved', async () => {
    const { at, run } = await job({ latencyMs: 20 });
    at.write('rows.jsonl', jsonLines(testRows(3_000)));
    const running = run({
      sources: 'rows.jsonl',
      mapping: 'map.yaml',
      args: `${CREATE} --chunk-size 8 --batch-size 32 --concurrency 1 --progress json`,
    });
    await running.saw('"type":"batch"');
    running.signal('SIGINT');
    const ended = await running;
    expect(ended.code).toBe(143);
    expect(ended.outputs).toMatchObject({ began: 'true', 'exit-code': '143' });
    expect(ended.stderr).toContain('"status":"interrupted"');
    const save = action.runs.steps.at(-1);
    expect(save?.uses).toMatch(/^actions\/cache\/save@/);
    expect(save?.if).toContain('always()');
    expect(save?.if).toContain("steps.import.outputs.began == 'true'");
    const restore = stepOf('restore');
    expect(save?.with?.['key']).toBe(restore.with?.['key']);
    expect(save?.with?.['path']).toBe(restore.with?.['path']);
    expect(filled(restore.with?.['key'] ?? '', known({}, { 'github.run_id': '7', 'github.run_attempt': '1' }))).toBe(
      'zep-import-7-1',
    );
  });
});

interface Copy {
  readonly from: string | undefined;
  readonly sources: readonly string[];
  readonly target: string;
}

function instructions(): { readonly name: string; readonly rest: string }[] {
  return read('Dockerfile')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => ({ name: /^\w+/.exec(line)?.[0] ?? '', rest: line.replace(/^\w+\s+/, '') }));
}

function copies(of: readonly { readonly name: string; readonly rest: string }[]): Copy[] {
  return of
    .filter(({ name }) => name === 'COPY')
    .map(({ rest }) => {
      const words = rest.split(/\s+/);
      const from = words[0]?.startsWith('--from=') === true ? words.shift()?.slice('--from='.length) : undefined;
      return { from, sources: words.slice(0, -1), target: words.at(-1) ?? '' };
    });
}

describe('the image', () => {
  const all = instructions();
  const last = all.slice(all.findLastIndex(({ name }) => name === 'FROM'));

  it('copies only what exists and what .dockerignore lets through', () => {
    const letThrough = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const used = copies(all)
      .filter(({ from }) => from === undefined)
      .flatMap(({ sources }) => sources);
    for (const source of used) expect(existsSync(join(ROOT, source)), source).toBe(true);
    expect([...new Set(used)].sort()).toEqual([...letThrough].sort());
    expect(read('.dockerignore').split('\n')).toContain('*');
  });

  it('runs as a user that is not root, keeps its state in a volume, and is stopped by SIGTERM', () => {
    const one = (name: string): string[] => last.filter((each) => each.name === name).map(({ rest }) => rest);
    expect(one('USER')).toEqual(['1000:1000']);
    expect(one('VOLUME')).toEqual(['/state']);
    expect(one('STOPSIGNAL')).toEqual(['SIGTERM']);
    expect(one('ENV')).toContain('ZEP_IMPORT_STATE_DIR=/state');
    expect(one('ENTRYPOINT')).toEqual(['["tini", "--", "node", "/app/bin/zep-import.js"]']);
    for (const { rest } of all.filter(({ name }) => name === 'FROM'))
      expect(rest).toMatch(/^node:22-slim( AS build)?$/);
  });

  it('holds all that the program needs: put together by hand, it imports', async () => {
    const at = place();
    for (const { from, sources, target } of copies(last)) {
      for (const source of sources) {
        const name = from === undefined ? source : source.replace('/src/', '');
        const to = join(at.folder, 'app', target.endsWith('/') ? name : target);
        mkdirSync(dirname(to), { recursive: true });
        if (name === 'node_modules') symlinkSync(join(ROOT, name), to);
        else cpSync(join(ROOT, name), to, { recursive: true });
      }
    }
    at.write('row.jsonl', jsonLines(testRows(1)));
    writeFileSync(at.path('map.yaml'), mapping());
    const bin = at.path('app/bin/zep-import.js');
    const command = [process.execPath, bin];
    expect(existsSync(at.path('app/fixtures/demo/tickets.yaml'))).toBe(true);
    const version = await at.start(['--version'], { command });
    expect(version.stdout.trim()).toBe((JSON.parse(read('package.json')) as { version: string }).version);
    const ended = await at.start(['run', 'row.jsonl', '-m', 'map.yaml', '--local', '-o', 'json'], { command });
    expect(ended.code, ended.stderr).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'completed' });
  });
});

describe('the package', () => {
  it('holds the program, its samples and its documents, and nothing of its making', () => {
    const told = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    const [{ files }] = JSON.parse(told) as [{ files: { path: string }[] }];
    const paths = files.map(({ path }) => path);
    for (const path of [
      'bin/zep-import.js',
      'dist/main.js',
      'dist/parse-worker.js',
      'dist/dashboard/page/index.html',
      'docs/ci-and-cron.md',
      'fixtures/demo/tickets.yaml',
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
    ]) {
      expect(paths).toContain(path);
    }
    const strange = paths.filter((path) =>
      /^(src|test|bench|node_modules)\/|\.(test|spec)\.|\.env|Dockerfile|\.db$/.test(path),
    );
    expect(strange).toEqual([]);
  });
});
