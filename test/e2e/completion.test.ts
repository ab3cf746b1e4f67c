import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BIN, wireLines, workplace, type Workplace } from '../support/cli.js';

let at: Workplace;
let run: string;
beforeAll(async () => {
  at = workplace();
  at.write('rows.jsonl', wireLines(3));
  at.write('two words.jsonl', wireLines(1));
  at.write('map.yaml', 'version: 1\n');
  mkdirSync(join(at.folder, 'folder'));
  mkdirSync(join(at.folder, 'bin'));
  mkdirSync(join(at.folder, 'config', 'zep-import'), { recursive: true });
  at.write('config/zep-import/config.yaml', 'profiles:\n  staging: {}\n  prod:\n    api-url: https://x\n');
  at.write('bin/zep-import', `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`);
  execFileSync('chmod', ['755', at.path('bin/zep-import')]);
  const done = await at.start(['rows.jsonl', '--local', '-o', 'json', '--progress', 'none']);
  run = (JSON.parse(done.stdout) as { run: string }).run;
  for (const shell of SHELLS) at.write(`completion.${shell}`, (await at.start(['completion', shell])).stdout);
});
afterAll(() => at.close());

const SHELLS = ['bash', 'zsh', 'fish'] as const;
const isThere = (shell: string): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0;
const there = Object.fromEntries(SHELLS.map((shell) => [shell, isThere(shell)]));
for (const shell of SHELLS)
  if (there[shell] !== true) console.warn(`${shell} is not installed: its completion is not tested`);

function inShell(shell: string, script: string): string {
  const env = {
    PATH: `${at.path('bin')}:${process.env['PATH'] ?? ''}`,
    HOME: at.folder,
    XDG_STATE_HOME: at.path('state'),
    XDG_CONFIG_HOME: at.path('config'),
    XDG_DATA_HOME: at.path('data'),
    TERM: 'dumb',
    LANG: 'C.UTF-8',
  };
  const { stdout, stderr, status } = spawnSync(shell, ['-c', script], { cwd: at.folder, env, encoding: 'utf8' });
  expect(stderr, script).toBe('');
  expect(status, stderr).toBe(0);
  return stdout;
}

/** What bash would offer for a line; the last word is the one that is being typed. */
function bash(...words: readonly string[]): readonly string[] {
  const quoted = ['zep-import', ...words].map((word) => `'${word}'`).join(' ');
  const script = `source ./completion.bash; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}
    _zep_import zep-import 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return inShell('bash', script)
    .split('\n')
    .filter((line) => line !== '');
}

describe.skipIf(there['bash'] !== true)('bash completes', () => {
  it('commands, and files because the first word may be a source', () => {
    expect(bash('re')).toEqual(['resume', 'retry', 'receipt']);
    expect(bash('')).toEqual(expect.arrayContaining(['run', 'doctor', 'completion', 'rows.jsonl', 'two words.jsonl']));
    expect(bash('batches', '')).toEqual(expect.arrayContaining(['list', 'show', 'items', 'delete']));
    expect(bash('runs', 'p')).toEqual(['prune']);
    expect(bash('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  it('flags of the command at hand, and those of run without one', () => {
    expect(bash('--chunk')).toEqual(['--chunk-size']);
    expect(bash('rows.jsonl', '--chunk')).toEqual(['--chunk-size']);
    expect(bash('status', '--')).toContain('--watch');
    expect(bash('status', '--')).not.toContain('--chunk-size');
    expect(bash('serve', '--fa')).toContain('--fault');
    expect(bash('runs', 'prune', '--ol')).toEqual(['--older-than']);
    expect(bash('run', '--no-w')).toEqual(['--no-wait']);
  });

  it('values: choices, files, folders, profiles; behind an equals sign too', () => {
    expect(bash('run', '--order', '')).toEqual(['strict', 'relaxed']);
    expect(bash('run', '--order', '=', 's')).toEqual(['strict']);
    expect(bash('run', '--order', '=')).toEqual(['strict', 'relaxed']);
    expect(bash('receipt', '-o', '')).toEqual(['csv', 'json']);
    expect(bash('run', '-o', '')).toEqual(['table', 'json']);
    expect(bash('run', '-m', 'ma')).toEqual(['map.yaml']);
    expect(bash('run', '--state-dir', 'fo')).toEqual(['folder']);
    expect(bash('run', '-p', '')).toEqual(['staging', 'prod']);
    expect(bash('run', '--limit', '')).toEqual([]);
    expect(bash('run', '--concurrency', '')).toEqual(['auto']);
    // -n takes a number in one command and nothing in the other.
    expect(bash('preview', '-n', 'r')).toEqual([]);
    expect(bash('run', '-n', 'r')).toEqual(['rows.jsonl']);
  });

  it('files behind a value, and behind two dashes', () => {
    expect(bash('run', '-m', 'map.yaml', 'ro')).toEqual(['rows.jsonl']);
    expect(bash('-m', 'map.yaml', 'ro')).toEqual(['rows.jsonl']);
    expect(bash('--order=strict', 'ro')).toEqual(['rows.jsonl']);
    expect(bash('--order', '=', 'strict', 'ro')).toEqual(['rows.jsonl']);
    expect(bash('run', '--', 'two')).toEqual(['two words.jsonl']);
  });

  it('runs, from the ledger of the line', () => {
    expect(bash('status', '')).toEqual([run]);
    expect(bash('resume', run.slice(0, 4))).toEqual([run]);
    expect(bash('status', '--state-dir', 'elsewhere', '')).toEqual([]);
    expect(bash('status', '--state-dir', '=', 'elsewhere', '')).toEqual([]);
  });

  it('without a word of complaint in the strictest shell', () => {
    expect(inShell('bash', 'set -u; source ./completion.bash; complete -p zep-import')).toContain(
      '-F _zep_import zep-import',
    );
  });
});

describe.skipIf(there['fish'] !== true)('fish completes', () => {
  const fish = (line: string): readonly string[] =>
    inShell('fish', `source ./completion.fish; complete -C '${line}'`)
      .split('\n')
      .map((each) => each.split('\t')[0] ?? '')
      .filter((word) => word !== '');

  it('commands, flags, choices, files, profiles and runs', () => {
    expect(fish('zep-import re')).toEqual(expect.arrayContaining(['resume', 'retry', 'receipt']));
    expect(fish('zep-import batches l')).toEqual(['list']);
    expect(fish('zep-import status --wa')).toEqual(['--watch']);
    expect(fish('zep-import run --order ')).toEqual(expect.arrayContaining(['strict', 'relaxed']));
    expect(fish('zep-import receipt -o ')).toEqual(expect.arrayContaining(['csv', 'json']));
    expect(fish('zep-import run -m ma')).toContain('map.yaml');
    expect(fish('zep-import -m map.yaml ro')).toContain('rows.jsonl');
    expect(fish('zep-import run -p ')).toEqual(expect.arrayContaining(['staging', 'prod']));
    expect(fish('zep-import status ')).toContain(run);
    expect(fish('zep-import completion ')).toEqual(expect.arrayContaining(['bash', 'fish', 'zsh']));
  });
});

describe.skipIf(there['zsh'] !== true)('zsh completes', () => {
  /** The functions that show completions are replaced by such that print what they are given. */
  const STUBS = `
    compdef() { :; }
    _describe() { [[ $1 == -o ]] && shift; local name=$2; local each; for each in "\${(@P)name}"; do print -r -- "\${\${each//\\\\\\\\:/:}%%:*}"; done; }
    _files() { print -r -- "files $*"; }
    _message() { print -r -- "message"; }
    compadd() { [[ $1 == -- ]] && shift; print -rl -- "$@"; }
    compset() { :; }
  `;
  const zsh = (...words: readonly string[]): readonly string[] => {
    const quoted = ['zep-import', ...words].map((word) => `'${word}'`).join(' ');
    const script = `emulate zsh; ${STUBS} source ./completion.zsh; words=(${quoted}); CURRENT=${words.length + 1}; _zep-import`;
    return inShell('zsh', script)
      .split('\n')
      .filter((line) => line !== '');
  };

  it('commands, flags, choices, files, profiles and runs', () => {
    expect(zsh('')).toEqual(expect.arrayContaining(['run', 'doctor', 'files ']));
    expect(zsh('batches', '')).toEqual(['list', 'show', 'items', 'delete']);
    expect(zsh('status', '--')).toContain('--watch');
    expect(zsh('status', '--')).not.toContain('--chunk-size');
    expect(zsh('run', '--order', '')).toEqual(['strict', 'relaxed']);
    expect(zsh('run', '--order=s')).toEqual(['strict', 'relaxed']);
    expect(zsh('receipt', '-o', '')).toEqual(['csv', 'json']);
    expect(zsh('run', '-m', '')).toEqual(['files ']);
    expect(zsh('-m', 'map.yaml', '')).toEqual(expect.arrayContaining(['files ']));
    expect(zsh('run', '--state-dir', '')).toEqual(['files -/']);
    expect(zsh('run', '-p', '')).toEqual(['staging', 'prod']);
    expect(zsh('status', '')).toEqual([run]);
    expect(zsh('run', '--', '')).toEqual(['files ']);
  });

  it('when the script is sourced behind compinit, and when it lies in a folder of $fpath', () => {
    const sourced = 'autoload -Uz compinit; compinit -D -u; source ./completion.zsh; print -r -- $_comps[zep-import]';
    expect(inShell('zsh', sourced)).toBe('_zep-import\n');
    at.write('folder/_zep-import', inShell('zsh', 'cat completion.zsh'));
    const found = 'fpath=($PWD/folder $fpath); autoload -Uz compinit; compinit -D -u; print -r -- $_comps[zep-import]';
    expect(inShell('zsh', found)).toBe('_zep-import\n');
  });
});

describe('what the shell asks the program', () => {
  it('is answered from the ledger and the config files alone, and never fails', async () => {
    const env = { HTTPS_PROXY: 'http://127.0.0.1:1', ZEP_API_URL: 'http://127.0.0.1:1' };
    const runs = await at.start(['__complete', 'runs'], { env });
    expect(runs).toMatchObject({ code: 0, stderr: '' });
    expect(runs.stdout).toMatch(new RegExp(`^${run}\\t.*delivered`));
    mkdirSync(at.path('broken'));
    at.write('broken/ledger.db', 'x'.repeat(5_000));
    expect(await at.start(['__complete', 'nonsense'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
    const broken = await at.start(['__complete', 'runs', '--state-dir', 'broken', '--config', 'gone']);
    expect(broken).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it('is not shown as a command; a shell that is not known is refused', async () => {
    expect((await at.start(['--help'])).stdout).not.toContain('__complete');
    expect(await at.start(['completion', 'tcsh'])).toMatchObject({ code: 2 });
  });
});
