/** `config show`: the settings that hold, and where each comes from. `config path`: which files are looked for. Neither asks the service. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { jsonLine, printable } from '../../progress/escape.js';
import { renderTable } from '../../progress/table.js';
import { chooseWidth } from '../../progress/terminal.js';
import { findProjectFile, placesOf, projectFolders, PROJECT_NAMES, userCandidates } from '../config/find.js';
import { loadConfig } from '../config/load.js';
import type { NamedProfile } from '../config/resolve.js';
import { zepctlPath } from '../config/zepctl.js';
import { findKey, originText, shortPath } from '../credentials.js';
import { EXIT } from '../exit-codes.js';
import { RUN_FLAGS } from '../main.js';
import { FLAGS, isSwitch, optionOf } from '../flags.js';
import { print, type Io } from '../io.js';
import { configChoice, effectiveValues, valuesOf, type Origin, type Values } from '../options.js';
import { addressOf, wantsLocal } from '../session.js';

interface Row {
  readonly name: string;
  readonly value: string;
  readonly origin: string;
}

export async function showConfig(self: Command, io: Io): Promise<void> {
  const config = await loadConfig(io.env, configChoice(valuesOf(self, io.env)));
  const values = await effectiveValues(self, io.env, { config, isLenient: true });
  const rows = [keyRow(values, io), addressRow(values, io), ...settingRows(self, values, io.env)];
  const withheld = (values.withheld ?? []).map(({ text, words: [word = ''], ...setting }) => ({
    name: word.replace(/^--/, ''),
    value: text,
    origin: originText({ kind: 'file', setting: { text, words: [word], ...setting } }, word),
  }));
  const files = config.files.map(({ path, kind }) => ({ path, kind }));
  if (values.output === 'json') {
    const profile = values.named === undefined ? null : profileJson(values.named);
    await print(io.stdout, jsonLine({ type: 'config', files, profile, settings: rows, withheld }));
  } else {
    await print(io.stdout, textOf(rows, values, io));
    for (const { name, value, origin } of withheld) {
      const line = `not taken: ${name} = ${value} from ${origin}, which lies beside the data; a command that needs it ends with 2`;
      await print(io.stderr, `${printable(line)}\n`);
    }
  }
  io.exitCode = EXIT.ok;
}

function textOf(rows: readonly Row[], values: Values, io: Io): string {
  const withOrigin = values.origin === true;
  const columns = [{ title: 'setting', whole: true }, { title: 'value' }, ...(withOrigin ? [{ title: 'from' }] : [])];
  return renderTable({
    columns,
    rows: rows.map(({ name, value, origin }) => [name, value, origin]),
    width: chooseWidth(io.stdout, io.env),
  });
}

/** Only whether there is one: a key is never shown. */
function keyRow(values: Values, io: Io): Row {
  if (isLocal(values)) return { name: 'api-key', value: 'not needed', origin: '--local' };
  try {
    return { name: 'api-key', value: 'set', origin: findKey(values, io.env).origin };
  } catch (error) {
    return { name: 'api-key', value: 'none', origin: (error as Error).message };
  }
}

function addressRow(values: Values, io: Io): Row {
  const origin = values.origins.get('apiUrl');
  const isVariable = values.apiUrl === undefined && (io.env['ZEP_API_URL'] ?? '') !== '';
  const from = origin === undefined ? (isVariable ? 'ZEP_API_URL' : 'default') : originText(origin, '--api-url');
  return { name: 'api-url', value: addressOf(values, io.env), origin: from };
}

function isLocal(values: Values): boolean {
  try {
    return wantsLocal(values);
  } catch {
    return false;
  }
}

/** Told in rows of their own, or about this command. */
const APART: ReadonlySet<string> = new Set(['apiKey', 'apiUrl', 'config', 'origin', 'dryRun']);

function settingRows(self: Command, values: Values, env: Io['env']): readonly Row[] {
  const ofRun = new Set(RUN_FLAGS.map((name) => optionOf(FLAGS[name]).attributeName()));
  const options = new Map<string, Option>();
  for (const option of self.options) {
    const name = option.attributeName();
    if (APART.has(name) || (!ofRun.has(name) && !values.origins.has(name))) continue;
    // Of a pair such as --wait and --no-wait the first one names it.
    if (!options.has(name) || options.get(name)?.negate === true) options.set(name, option);
  }
  return [...options].map(([name, option]) => {
    const origin = values.origins.get(name) ?? zepProfile(name, values);
    return {
      name: option.name().replace(/^no-/, ''),
      value: valueText(name, option, origin, values, env),
      origin:
        originText(origin, 'default') === 'default' && origin?.kind === 'flag'
          ? `--${option.name()}`
          : originText(origin, 'default'),
    };
  });
}

function zepProfile(name: string, { named }: Values): Origin | undefined {
  if (name !== 'profile' || named?.named.by !== 'variable') return undefined;
  return { kind: 'variable', variable: named.named.variable };
}

/** As it was said: what a flag makes of its text is not for people. */
function valueText(name: string, option: Option, origin: Origin | undefined, values: Values, env: Io['env']): string {
  if (origin?.kind === 'file') return origin.setting.text;
  if (name === 'profile') return values.named?.name ?? '';
  if (isSwitch(option)) return String(values[name as keyof Values] === true);
  if (origin?.kind === 'variable') return env[origin.variable] ?? '';
  const long = option.long ?? '';
  const typed = values.given.find(({ words }) => words[0] === long || words[0] === option.short);
  return typed?.words[1] ?? option.defaultValueDescription ?? '';
}

function profileJson({ name, named, owner }: NamedProfile): unknown {
  const from =
    named.by === 'flag'
      ? '--profile'
      : named.by === 'variable'
        ? named.variable
        : `${shortPath(named.setting.file)}:${named.setting.line}`;
  return { name, from, owner };
}

export async function configPaths(self: Command, io: Io): Promise<void> {
  const values = valuesOf(self, io.env);
  const choice = configChoice(values);
  const places = placesOf(io.env);
  const project = findProjectFile(places);
  const candidates = projectFolders(places).flatMap((folder) =>
    PROJECT_NAMES.map((name) => ({ path: join(folder, name), kind: 'project' })),
  );
  const files = [
    ...(choice !== undefined && choice !== 'none' ? [{ path: choice.file, kind: 'named' }] : []),
    ...candidates,
    ...userCandidates(places).map((path) => ({ path, kind: 'user' })),
    { path: zepctlPath(places), kind: 'zepctl' },
  ].map((file) => {
    const exists = existsSync(file.path);
    const isFound = exists && (file.kind !== 'project' || file.path === project);
    // --config takes the place of those that are found; zepctl's is only asked for a profile that no other file has.
    const isRead = isFound && (choice === undefined || file.kind === 'named');
    return { ...file, exists, read: isRead };
  });
  if (values.output === 'json') await print(io.stdout, jsonLine({ type: 'config-paths', files }));
  else {
    const rows = files.map(({ path, kind, exists, read }) => [
      read ? 'read' : exists ? 'left aside' : 'not there',
      OF_KIND[kind] ?? kind,
      path,
    ]);
    const columns = [{ title: 'state' }, { title: 'whose' }, { title: 'file', whole: true }];
    await print(io.stdout, renderTable({ columns, rows, width: chooseWidth(io.stdout, io.env) }));
  }
  io.exitCode = EXIT.ok;
}

const OF_KIND: Readonly<Record<string, string>> = {
  named: '--config',
  project: "the project's",
  user: 'your own',
  zepctl: "zepctl's profiles",
};
