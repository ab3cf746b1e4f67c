/**
 * The API key and where it came from. Flags win over the environment. A named profile whose key cannot be read never falls back to another
 * key: the wrong project is worse than no import. The key itself appears in no message.
 */
import { readFileSync } from 'node:fs';
import { AppError, usageError } from '../errors.js';
import type { Io } from './io.js';

export interface Credentials {
  readonly key: string;
  /** For people: `ZEP_API_KEY`, `--api-key`, `file /run/secrets/zep`. */
  readonly origin: string;
}

export interface CredentialFlags {
  readonly apiKey?: string | undefined;
  readonly apiKeyFile?: string | undefined;
  readonly profile?: string | undefined;
  /** Which of the flags above came from ZEP_IMPORT_… variables. */
  readonly fromEnvironment: ReadonlySet<string>;
}

export function findKey(flags: CredentialFlags, env: Io['env']): Credentials {
  const origin = (name: string, flag: string): string => (flags.fromEnvironment.has(name) ? variable(flag) : flag);
  if (flags.apiKey !== undefined && !flags.fromEnvironment.has('apiKey'))
    return { key: flags.apiKey, origin: '--api-key' };
  if (flags.apiKeyFile !== undefined) {
    return {
      key: keyFromFile(flags.apiKeyFile),
      origin: `${origin('apiKeyFile', '--api-key-file')} ${flags.apiKeyFile}`,
    };
  }
  if (flags.profile !== undefined) throw profileWithoutKey(flags.profile);
  if (flags.apiKey !== undefined) return { key: flags.apiKey, origin: variable('--api-key') };
  const fromEnv = env['ZEP_API_KEY'];
  if (fromEnv !== undefined && fromEnv.trim() !== '') return { key: fromEnv.trim(), origin: 'ZEP_API_KEY' };
  const named = env['ZEP_PROFILE'];
  if (named !== undefined && named !== '') throw profileWithoutKey(named);
  throw new AppError('no API key', {
    code: 'no-api-key',
    disposition: 'refused',
    hint: 'set ZEP_API_KEY (keys are made at https://app.getzep.com, Project Settings), or try without an account: --local',
  });
}

function variable(flag: string): string {
  return `ZEP_IMPORT_${flag.slice(2).replaceAll('-', '_').toUpperCase()}`;
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

function profileWithoutKey(profile: string): AppError {
  return new AppError(
    `the key of profile "${profile}" cannot be read: zepctl keeps its keys in the system's keychain`,
    {
      code: 'profile-key',
      disposition: 'refused',
      hint: 'give the key of that project in ZEP_API_KEY (without the profile) or with --api-key-file',
    },
  );
}
