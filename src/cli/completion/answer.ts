/**
 * What the completion of a shell asks the program: ids of runs and names of profiles, a line each, with a word about it behind a tab. It is asked at
 * every press of a key, so it only looks into the ledger and the config files, and it never fails: what cannot be known is not offered.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Io } from '../io.js';
import { print } from '../io.js';
import { loadConfig, NO_CONFIG, type Config } from '../config/load.js';
import { stateDir } from '../state-dir.js';

const MOST = 100;

/** `words`: what is asked for, and behind it the line that is being typed. */
export async function answerCompletion([what, ...typed]: readonly string[], io: Io): Promise<void> {
  const lines = what === 'runs' ? await runLines(typed, io) : what === 'profiles' ? await profileLines(typed, io) : [];
  await print(io.stdout, lines.map((line) => `${line.map(oneLine).join('\t')}\n`).join(''));
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

async function runLines(typed: readonly string[], io: Io): Promise<readonly (readonly [string, string])[]> {
  const path = join(stateDir(await stateFolder(typed, io), io.env), 'ledger.db');
  if (!existsSync(path)) return [];
  const { runNames } = await import('../../ledger/inspect.js');
  return runNames(path, MOST);
}

async function stateFolder(typed: readonly string[], io: Io): Promise<string | undefined> {
  const said = valueIn(typed, '--state-dir') ?? io.env['ZEP_IMPORT_STATE_DIR'];
  if (said !== undefined && said !== '') return said;
  const { files } = await configOf(typed, io);
  return files.find((file) => file.isTrusted && file.settings.has('stateDir'))?.settings.get('stateDir')?.text;
}

async function profileLines(typed: readonly string[], io: Io): Promise<readonly (readonly [string, string])[]> {
  const { files } = await configOf(typed, io);
  const own = files.flatMap(({ profiles }) =>
    [...profiles].map(([name, settings]) => [name, settings.get('apiUrl')?.text ?? 'profile'] as const),
  );
  const { readZepctl } = await import('../config/zepctl.js');
  const { placesOf } = await import('../config/find.js');
  const zepctl = await readZepctl(placesOf(io.env));
  return [...own, ...(zepctl?.profiles ?? []).map(({ name }) => [name, "zepctl's"] as const)];
}

async function configOf(typed: readonly string[], io: Io): Promise<Config> {
  const file = valueIn(typed, '--config') ?? io.env['ZEP_IMPORT_CONFIG'];
  try {
    if (typed.includes('--no-config')) return NO_CONFIG;
    return await loadConfig(io.env, file === undefined || file === '' ? undefined : { file });
  } catch {
    return NO_CONFIG;
  }
}

/** bash takes `--flag=value` apart at the sign. */
function valueIn(typed: readonly string[], flag: string): string | undefined {
  for (const [at, word] of typed.entries()) {
    if (word.startsWith(`${flag}=`)) return word.slice(flag.length + 1);
    if (word === flag) return typed[at + 1] === '=' ? typed[at + 2] : typed[at + 1];
  }
  return undefined;
}
