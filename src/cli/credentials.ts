/**
 * The API key and where it came from. Flags win over the environment. A named profile whose key cannot be read never falls back to another
 * key: the wrong project is worse than no import. The key itself appears in no message.
 */
import { readFileSync } from 'node:fs';
import { isAbsolute, relative } from 'node:path';
import { AppError, usageError } from '../errors.js';
import type { NamedProfile } from './config/resolve.js';
import type { Io } from './io.js';
import type { Origin, Values } from './options.js';

export interface Credentials {
  readonly key: string;
  /** For people: `ZEP_API_KEY`, `--api-key`, `file /run/secrets/zep`. */
  readonly origin: string;
  /** The profile whose key it is. */
  readonly profile?: string;
  /** The file that holds it. */
  readonly file?: string;
}

export interface CredentialFlags {
  readonly apiKey?: string | undefined;
  readonly apiKeyFile?: string | undefined;
  readonly profile?: string | undefined;
  /** The profile that is meant, where the files with profiles were read. */
  readonly named?: NamedProfile;
  readonly origins: Values['origins'];
}

/** In order: what was typed, the environment, config files; at each of them a named profile ends the search. */
export function findKey(flags: CredentialFlags, env: Io['env']): Credentials {
  const { apiKey, apiKeyFile, named } = flags;
  const kindOf = (name: string): Origin['kind'] => flags.origins.get(name)?.kind ?? 'flag';
  const profile = flags.named?.name ?? flags.profile;
  const profileKind = named === undefined || named.named.by === 'flag' ? kindOf('profile') : named.named.by;
  const file = (kind: Origin['kind']): Credentials | undefined =>
    apiKeyFile === undefined || kindOf('apiKeyFile') !== kind
      ? undefined
      : {
          key: keyFromFile(apiKeyFile),
          origin: `${originText(flags.origins.get('apiKeyFile'), '--api-key-file')} ${apiKeyFile}`,
          file: apiKeyFile,
        };

  if (apiKey !== undefined && kindOf('apiKey') === 'flag') return { key: apiKey, origin: '--api-key' };
  const typed = file('flag');
  if (typed !== undefined) return typed;
  if (profile !== undefined && profileKind === 'flag') return keyOfProfile(profile, named);
  const fromVariable = file('variable');
  if (fromVariable !== undefined) return fromVariable;
  const isOwnVariable = named?.named.by === 'variable' && named.named.variable !== 'ZEP_PROFILE';
  if (profile !== undefined && profileKind === 'variable' && (named === undefined || isOwnVariable)) {
    return keyOfProfile(profile, named);
  }
  if (apiKey !== undefined) return { key: apiKey, origin: 'ZEP_IMPORT_API_KEY' };
  const fromEnv = env['ZEP_API_KEY'];
  if (fromEnv !== undefined && fromEnv.trim() !== '') return { key: fromEnv.trim(), origin: 'ZEP_API_KEY' };
  if (profile !== undefined) return keyOfProfile(profile, named);
  const fromConfig = file('file');
  if (fromConfig !== undefined) return fromConfig;
  const variable = env['ZEP_PROFILE'];
  if (variable !== undefined && variable !== '') return keyOfProfile(variable, undefined);
  throw new AppError('no API key', {
    code: 'no-api-key',
    disposition: 'refused',
    hint: 'set ZEP_API_KEY (keys are made at https://app.getzep.com, Project Settings), or try without an account: --local',
  });
}

/** For people: where a value comes from. */
export function originText(origin: Origin | undefined, flag: string): string {
  if (origin === undefined || origin.kind === 'flag') return flag;
  if (origin.kind === 'variable') return origin.variable;
  const { setting } = origin;
  const place = `${shortPath(setting.file)}:${setting.line}`;
  return setting.profile === undefined ? place : `${place} (profile ${setting.profile})`;
}

/** Below the current folder as it would be typed there. */
export function shortPath(path: string): string {
  const short = relative('.', path);
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short;
}

function keyOfProfile(name: string, profile: NamedProfile | undefined): Credentials {
  const refuse = (code: string, message: string, hint: string): never => {
    throw new AppError(message, { code, disposition: 'refused', hint });
  };
  const otherwise = 'give the key of that project in ZEP_API_KEY (without the profile) or with --api-key-file';
  if (profile?.owner === 'own') {
    const { keyFile } = profile;
    if (keyFile === undefined) {
      return refuse(
        'profile-key',
        `profile "${name}" has no key`,
        `write api-key-file: PATH into the profile, or ${otherwise}`,
      );
    }
    return {
      key: keyOfProfileFile(name, keyFile.text),
      origin: `profile ${name} (${keyFile.text})`,
      profile: name,
      file: keyFile.text,
    };
  }
  if (profile?.owner === 'zepctl') {
    return refuse(
      'profile-key',
      `the key of profile "${name}" cannot be read: it is zepctl's, and zepctl keeps its keys in the system's keychain`,
      otherwise,
    );
  }
  const known = [...new Set(profile?.known ?? [])];
  const said = known.length === 0 ? 'no config file has profiles' : `there are ${known.join(', ')}`;
  return refuse(
    'unknown-profile',
    `there is no profile "${name}", and so no key of it: ${said}`,
    `zep-import config path says where they are looked for; or ${otherwise}`,
  );
}

/** A named profile does not fall back to another key: that its file is gone is a missing key, and no slip of the keyboard. */
function keyOfProfileFile(name: string, path: string): string {
  try {
    return keyFromFile(path);
  } catch (error) {
    const { message } = error as Error;
    throw new AppError(`the key of profile "${name}" cannot be read: ${message}`, {
      code: 'profile-key',
      disposition: 'refused',
      hint: 'put the key into that file, or name another in the profile',
      cause: error,
    });
  }
}

function keyFromFile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw usageError('api-key-file', `the key file ${path} cannot be read: ${(error as Error).message}`);
  }
  const key = text.trim();
  if (key === '') throw usageError('api-key-file', `the key file ${path} is empty`);
  return key;
}
