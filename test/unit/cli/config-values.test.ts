import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findProjectFile, placesOf, projectFolders } from '../../../src/cli/config/find.js';
import { settingNames } from '../../../src/cli/config/settings.js';
import { findKey } from '../../../src/cli/credentials.js';
import { addFlags, FLAGS, type Flag } from '../../../src/cli/flags.js';
import { inherited } from '../../../src/cli/import-command.js';
import { RUN_FLAGS } from '../../../src/cli/main.js';
import { effectiveValues, type Values } from '../../../src/cli/options.js';
import { overruled, settled } from '../../../src/cli/overruled.js';
import { wantsLocal } from '../../../src/cli/session.js';

let root: string;
let before: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'zi-config-')));
  before = process.cwd();
  mkdirSync(join(root, 'data', 'deep'), { recursive: true });
  process.chdir(join(root, 'data', 'deep'));
});
afterEach(() => {
  process.chdir(before);
  rmSync(root, { recursive: true, force: true });
});

const env = (more: Record<string, string> = {}): Record<string, string> => ({
  HOME: join(root, 'home'),
  XDG_CONFIG_HOME: join(root, 'xdg'),
  ...more,
});

function put(name: string, text: string): string {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const project = (text: string): string => put('data/deep/zep-import.yaml', text);
const own = (text: string): string => put('xdg/zep-import/config.yaml', text);

async function values(words: readonly string[] = [], variables: Record<string, string> = {}): Promise<Values> {
  const command = addFlags(new Command('run').argument('[sources...]'), RUN_FLAGS).exitOverride();
  command.parse([...words], { from: 'user' });
  return effectiveValues(command, env(variables));
}

const key = (of: Values, variables: Record<string, string> = {}): string => findKey(of, env(variables)).key;

describe('the value of a flag', () => {
  it('is what was typed, else the variable, else the file of the project, else the own file, else the default', async () => {
    own('chunk-size: 1\nbatch-size: 1\nlimit: 1\nskip: 1\n');
    project('chunk-size: 2\nbatch-size: 2\nlimit: 2\n');
    const found = await values(['--chunk-size', '4'], { ZEP_IMPORT_BATCH_SIZE: '3' });
    expect(found).toMatchObject({ chunkSize: 4, batchSize: 3, limit: 2, skip: 1, order: 'strict' });
    expect(inherited(found)).toEqual([
      { name: 'limit', value: '2', origin: 'zep-import.yaml:3' },
      { name: 'skip', value: '1', origin: `${join(root, 'xdg/zep-import/config.yaml')}:4` },
    ]);
  });

  it('comes from a profile before it comes from the rest of the file', async () => {
    own('chunk-size: 1\nprofile: b\nprofiles:\n  a: { chunk-size: 5 }\n  b:\n    chunk-size: 6\n');
    project('chunk-size: 2\n');
    expect((await values()).chunkSize).toBe(6);
    expect((await values(['-p', 'a'])).chunkSize).toBe(5);
    expect((await values([], { ZEP_PROFILE: 'a' })).chunkSize).toBe(5);
    expect((await values(['-p', 'b'], { ZEP_PROFILE: 'a', ZEP_IMPORT_PROFILE: 'a' })).chunkSize).toBe(6);
    expect((await values(['-p', 'a', '--chunk-size', '9'])).chunkSize).toBe(9);
  });

  it('may be a switch, spoken either way, a list, a share, a path from the file', async () => {
    project(
      'wait: false\nno-dedupe: true\nspool: false\ncreate-missing: [users, graphs]\nmax-errors: 5%\nmapping: ../map.yaml\n',
    );
    const found = await values();
    expect(found).toMatchObject({
      wait: false,
      dedupe: false,
      spool: false,
      maxErrors: { kind: 'percent', value: 5 },
      mapping: join(root, 'data/map.yaml'),
    });
    expect([...(found.createMissing ?? [])]).toEqual(['users', 'graphs']);
    expect(found.given).toEqual([]);
    expect(found.configured.map(({ words }) => words.join(' '))).toEqual(
      expect.arrayContaining(['--no-wait', '--no-dedupe', '--no-spool', '--max-errors 5%']),
    );
    expect(await values(['--wait'])).toMatchObject({ wait: true });
  });

  it('is that of a variable for what can only be switched off', async () => {
    expect(await values([], { ZEP_IMPORT_NO_WAIT: '1' })).toMatchObject({ wait: false });
    expect(await values([], { ZEP_IMPORT_NO_SPOOL: '0' })).toMatchObject({ spool: true });
    project('chunk-size: 7\n');
    expect(await values([], { ZEP_IMPORT_NO_CONFIG: '1' })).toMatchObject({ chunkSize: 500 });
    expect(await values([], { ZEP_IMPORT_NO_CONFIG: '0' })).toMatchObject({ chunkSize: 7 });
  });

  it('in a config file gives way to the mapping, and nothing that was typed does', async () => {
    project('format: csv\ngraph: from-file\nsort: none\n');
    const mapping = { source: { format: 'jsonl' }, givesDestination: true, sort: 'created_at' } as never;
    const found = await values(['--user', 'typed']);
    expect([...overruled(found, mapping)].sort()).toEqual(['format', 'graph', 'sort']);
    expect(settled(found, mapping)).toMatchObject({ format: 'auto', user: 'typed' });
    expect(settled(found, mapping).graph).toBeUndefined();
    expect(settled(found, undefined)).toBe(found);
  });

  it('for every flag but the key, the config itself and what is looked for in a list can stand in a file', () => {
    const flags: readonly Flag[] = Object.values(FLAGS);
    const long = flags.map(({ flags: words }) => /--([a-z-]+)/.exec(words)?.[1] ?? '');
    const missing = long.filter((name) => !settingNames().has(name));
    expect(missing.sort()).toEqual(['config', 'no-config', 'origin', 'status']);
    expect(settingNames().has('color')).toBe(true);
  });
});

describe('a file with mistakes', () => {
  it('is refused with all of them, each with its place and what was probably meant', async () => {
    const path = project(
      'chunk_size: 1\nlimit: many\nwait: 1\norder: strct\ngraph:\n  a: 1\nprofiles:\n  a: 1\n  b: { chunk-size: true }\n',
    );
    const told = await values().catch((error: unknown) => error as Error & { code: string });
    expect(told).toMatchObject({ code: 'config-invalid', disposition: 'usage' });
    const lines = (told as Error).message.split('\n').slice(1);
    expect(lines).toEqual([
      `${path}:1:1 chunk_size: unknown key: did you mean chunk-size?`,
      `${path}:2:8 limit: "many" cannot stand here: it takes a whole number from 0`,
      `${path}:3:7 wait: "1" cannot stand here: it takes true or false`,
      `${path}:4:8 order: "strct" cannot stand here: it takes one of strict, relaxed. Did you mean strict?`,
      `${path}:6:3 graph: a map cannot stand here: it takes one value`,
      `${path}:8:3 profiles.a: it takes a map of settings`,
      `${path}:9:20 chunk-size: true cannot stand here: it takes a value, not true or false`,
    ]);
  });

  it.each([
    'api-key: z_secret-4711',
    'api_key: z_secret-4711',
    'apiKey: z_secret-4711',
    'profiles: { a: { api-key: z_secret-4711 } }',
  ])('that holds a key is refused with the reason, and the key is not shown: %s', async (text) => {
    own(text);
    const told = await values().catch((error: unknown) => error as Error);
    expect((told as Error).message).toContain('a key does not belong in a config file');
    expect((told as Error).message).not.toContain('4711');
  });

  it.each([
    ['wait: true\nno-wait: true\n', 'the same stands here twice'],
    ['limit:\n', 'is empty'],
    ['a: b: c\n', ''],
    ['trust: /\n', 'only your own config'],
    ['profiles: [a]\n', 'it takes a map'],
    ['profiles:\n  a:\n    profile: b\n', 'inside a profile'],
  ])('is refused: %j', async (text, words) => {
    project(text);
    await expect(values()).rejects.toThrow(words === '' ? /zep-import\.yaml:1/ : words);
  });

  it('that is no file, too large, named and missing, or one of two is refused, and never waited for', async () => {
    mkdirSync(join(root, 'data/deep/zep-import.yaml'));
    await expect(values()).rejects.toMatchObject({ code: 'config-unreadable' });
    rmSync(join(root, 'data/deep/zep-import.yaml'), { recursive: true });
    project(`# ${'x'.repeat(300_000)}\n`);
    await expect(values()).rejects.toThrow('too large');
    project('');
    put('data/deep/zep-import.json', '{}');
    await expect(values()).rejects.toMatchObject({ code: 'two-configs' });
    await expect(values(['--config', 'gone.yaml'])).rejects.toThrow('no such file');
    expect(await values(['--no-config'])).toMatchObject({ chunkSize: 500 });
  });
});

describe('which file is found', () => {
  const names = (): readonly string[] => projectFolders(placesOf(env())).map((folder) => folder.slice(root.length));

  it('without a repository or a home above: only one in the current folder', () => {
    put('data/zep-import.yaml', 'limit: 1\n');
    expect(names()).toEqual(['/data/deep']);
    expect(findProjectFile(placesOf(env()))).toBeUndefined();
  });

  it('in a repository: the nearest up to its root, and none above', () => {
    mkdirSync(join(root, 'data/.git'));
    put('zep-import.yaml', 'limit: 1\n');
    expect(names()).toEqual(['/data/deep', '/data']);
    const path = put('data/zep-import.yml', 'limit: 2\n');
    expect(findProjectFile(placesOf(env()))).toBe(path);
  });

  it('below the home folder: up to it', () => {
    const places = placesOf(env({ HOME: root }));
    expect(projectFolders(places)).toEqual([join(root, 'data/deep'), join(root, 'data'), root]);
  });

  it('of the user lies where the platform keeps such files', () => {
    expect(placesOf({ HOME: '/h' }, 'linux').userFolder).toBe('/h/.config/zep-import');
    expect(placesOf({ HOME: '/h', XDG_CONFIG_HOME: 'rel' }, 'linux').userFolder).toBe('/h/.config/zep-import');
    expect(placesOf({ HOME: '/h', XDG_CONFIG_HOME: '/x' }, 'linux').userFolder).toBe('/x/zep-import');
    expect(placesOf({ USERPROFILE: '/h', APPDATA: '/a' }, 'win32').userFolder).toBe('/a/zep-import');
  });

  it('gives way to the one that --config names', async () => {
    project('chunk-size: 1\n');
    own('batch-size: 1\n');
    put('data/deep/other.yaml', 'limit: 3\n');
    expect(await values(['--config', 'other.yaml'])).toMatchObject({ chunkSize: 500, batchSize: 50_000, limit: 3 });
    expect(await values([], { ZEP_IMPORT_CONFIG: 'other.yaml' })).toMatchObject({ limit: 3 });
  });
});

describe('a file beside the data', () => {
  it.each([
    'api-url: http://evil',
    'api-key-file: k',
    'state-dir: .',
    'yes: true',
    'restart: true',
    'out: x',
    'forget: true',
    'notify: http://evil',
    'junit: x.xml',
    'summary-file: x.md',
  ])('may not decide %s', async (line) => {
    project(`${line}\n`);
    const command = addFlags(new Command('x'), [...RUN_FLAGS, 'out', 'forget']).parse([], { from: 'user' });
    await expect(effectiveValues(command, env())).rejects.toMatchObject({
      code: 'config-untrusted',
      disposition: 'usage',
    });
  });

  it('is not asked for what was typed, stands in the environment, or has no effect', async () => {
    project('api-url: http://evil\n');
    expect(await values(['--api-url', 'http://good'])).toMatchObject({ apiUrl: 'http://good' });
    expect((await values([], { ZEP_API_URL: 'http://good' })).apiUrl).toBeUndefined();
    expect((await values(['--local'])).apiUrl).toBeUndefined();
    const hidden = addFlags(new Command('x'), [], { hidden: ['apiUrl'] });
    hidden.parse([], { from: 'user' });
    expect((await effectiveValues(hidden, env())).apiUrl).toBeUndefined();
  });

  it('may say what the own file says, and everything once it is trusted or named', async () => {
    const path = project('api-url: http://mine\n');
    own('api-url: http://mine\n');
    expect(await values()).toMatchObject({ apiUrl: 'http://mine' });
    own(`trust: ${join(root, 'data')}\n`);
    expect(await values()).toMatchObject({ apiUrl: 'http://mine' });
    own(`trust:\n  - ${join(root, 'wor')}\n`);
    await expect(values()).rejects.toMatchObject({ code: 'config-untrusted' });
    expect(await values(['--config', path])).toMatchObject({ apiUrl: 'http://mine' });
  });

  it("may choose among the user's profiles, not against the user's choice", async () => {
    project('profile: a\n');
    own('profiles:\n  a:\n    api-url: http://a\n    chunk-size: 3\n  b:\n    chunk-size: 4\n');
    expect(await values()).toMatchObject({ chunkSize: 3, apiUrl: 'http://a', profile: 'a' });
    own('profile: b\nprofiles:\n  a:\n    chunk-size: 3\n  b:\n    chunk-size: 4\n');
    await expect(values()).rejects.toThrow('your own config says b');
    expect(await values(['-p', 'a'])).toMatchObject({ chunkSize: 3 });
  });

  it('cannot slip an address or a key into a profile of the same name', async () => {
    own('profiles:\n  a:\n    api-key-file: k\n    api-url: http://a\n');
    project('profiles:\n  a:\n    api-url: http://evil\n');
    await expect(values(['-p', 'a'])).rejects.toMatchObject({ code: 'config-untrusted' });
    put('data/deep/other', 'stolen');
    put('xdg/zep-import/k', 'mine');
    project('profiles:\n  a:\n    api-key-file: other\n');
    const found = await values(['-p', 'a'], { ZEP_IMPORT_API_KEY_FILE: 'x' });
    expect(key(found)).toBe('mine');
  });
});

describe('the key', () => {
  beforeEach(() => {
    put('xdg/zep-import/k', 'of-a\n');
    own('profiles:\n  a:\n    api-key-file: k\n  none:\n    chunk-size: 1\n');
  });

  it('of a profile that was typed wins over the environment; one in the environment gives way to ZEP_API_KEY, as for zepctl', async () => {
    const variables = { ZEP_API_KEY: 'of-env' };
    expect(key(await values(['-p', 'a']), variables)).toBe('of-a');
    expect(key(await values(['-p', 'a', '-k', 'typed']), variables)).toBe('typed');
    expect(key(await values([], { ZEP_PROFILE: 'a' }), variables)).toBe('of-env');
    expect(key(await values([], { ZEP_PROFILE: 'a' }))).toBe('of-a');
    expect(findKey(await values(['-p', 'a']), env()).origin).toContain('profile a');
  });

  it('of a named profile is never replaced by another one', async () => {
    const variables = { ZEP_API_KEY: 'of-env' };
    for (const [name, code] of [
      ['none', 'profile-key'],
      ['gone', 'unknown-profile'],
    ] as const) {
      const found = await values(['-p', name]);
      expect(() => key(found, variables)).toThrow(expect.objectContaining({ code, disposition: 'refused' }) as Error);
    }
    rmSync(join(root, 'xdg/zep-import/k'));
    const found = await values(['-p', 'a']);
    expect(() => key(found, variables)).toThrow(
      expect.objectContaining({ code: 'profile-key', disposition: 'refused' }) as Error,
    );
  });

  it("of a profile of zepctl is in the system's keychain: told so; its address holds", async () => {
    put(
      'home/.zepctl/config.yaml',
      'current-profile: z\nprofiles:\n  - name: z\n    api-url: http://z\n    project-uuid: p\n',
    );
    const found = await values(['-p', 'z']);
    expect(found.apiUrl).toBe('http://z');
    expect(() => key(found, { ZEP_API_KEY: 'x' })).toThrow('keychain');
    const fromEnv = await values([], { ZEP_PROFILE: 'z' });
    expect(fromEnv.apiUrl).toBe('http://z');
    expect(key(fromEnv, { ZEP_API_KEY: 'x' })).toBe('x');
    expect((await values()).apiUrl).toBeUndefined();
  });

  it('of a file in the config gives way to the environment', async () => {
    put('xdg/zep-import/k2', 'of-config');
    own('api-key-file: k2\n');
    expect(key(await values())).toBe('of-config');
    expect(key(await values(), { ZEP_API_KEY: 'of-env' })).toBe('of-env');
  });
});

describe('local or not', () => {
  it('is decided by what was said with more weight', async () => {
    own('local: true\n');
    expect(wantsLocal(await values())).toBe(true);
    expect(wantsLocal(await values(['--api-url', 'http://x']))).toBe(false);
    own('api-url: http://x\n');
    expect(wantsLocal(await values(['--local']))).toBe(true);
    project('local: true\n');
    expect(wantsLocal(await values())).toBe(true);
    own('api-url: http://x\nlocal: true\n');
    rmSync(join(root, 'data/deep/zep-import.yaml'));
    await expect(values().then(wantsLocal)).rejects.toMatchObject({ code: 'two-services' });
  });
});
