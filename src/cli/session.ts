/** The way to a service: the real one with a key, or the local server inside this process. One per command, closed at its end. */
import { join } from 'node:path';
import { systemClock } from '../clock.js';
import { AppError, usageError } from '../errors.js';
import type { WaitReason } from '../events.js';
import type { HttpApi } from '../remote/http-client.js';
import { normaliseBaseUrl } from '../remote/base-url.js';
import { DESTINATION_CONCURRENCY } from '../run/import-run.js';
import { untrusted } from './config/resolve.js';
import { findKey, type Credentials } from './credentials.js';
import type { Io } from './io.js';
import { strengthOf, type Origin, type Values } from './options.js';
import { untilStopped } from './signals.js';
import { makeFolder, stateDir } from './state-dir.js';
import { packageVersion } from './version.js';

export interface Session {
  readonly api: HttpApi;
  /** The project's uuid: what the books of a run belong to. */
  readonly project: string;
  readonly projectName: string;
  readonly host: string;
  readonly keyOrigin: string;
  readonly isLocal: boolean;
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly onWait?: (reason: WaitReason, ms: number, detail?: string) => void;
  /** Aborted when nobody wants to go there any more. */
  readonly stop?: AbortSignal;
  /** The local server's data file; by default in the state folder. */
  readonly localData?: string;
  /** Items a second that the local server processes. */
  readonly processingRate?: number;
}

const DEFAULT_URL = 'https://api.getzep.com';
const MAX_LANES = 64;

/** Opens the way and asks who is there. Throws AppError: 3 for a refused key, 4 when there is no such service, 6 and 7 for the network. */
export async function openSession(values: Values, io: Io, options: SessionOptions = {}): Promise<Session> {
  const isLocal = wantsLocal(values);
  const opened = await openWay(values, io, options);
  try {
    const { createHttpApi } = await import('../remote/http-client.js');
    const api = createHttpApi({
      baseUrl: opened.url,
      apiKey: opened.key,
      clock: systemClock,
      connections: (typeof values.concurrency === 'number' ? values.concurrency : MAX_LANES) + DESTINATION_CONCURRENCY,
      env: io.env,
      userAgent: `zep-import/${packageVersion()}`,
      ...(values.rateLimit === undefined ? {} : { rateLimit: values.rateLimit }),
      ...(options.onWait === undefined ? {} : { onWait: options.onWait }),
    });
    try {
      const asked = api.project(options.stop);
      const project = options.stop === undefined ? await asked : await untilStopped(asked, options.stop);
      return {
        api,
        project: project.uuid ?? `${opened.host} ${project.name ?? ''}`,
        projectName: project.name ?? project.uuid ?? 'unnamed',
        host: opened.host,
        keyOrigin: opened.keyOrigin,
        isLocal,
        close: async () => {
          await api.close();
          await opened.close();
        },
      };
    } catch (error) {
      await api.close();
      throw error;
    }
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** `--local` and an address contradict each other: the one that was said with more weight wins (flag, variable, file). */
export function wantsLocal(values: Values): boolean {
  if (values.local !== true || values.apiUrl === undefined) return values.local === true;
  const [local, address] = [strengthOf(originOf(values, 'local')), strengthOf(originOf(values, 'apiUrl'))];
  if (local !== address) return local > address;
  throw usageError(
    'two-services',
    '--local and --api-url name two services',
    'leave out one of them: --local is the server inside this process',
  );
}

/** A value that is set without an origin was put there in the name of what was typed. */
function originOf({ origins }: Values, name: 'local' | 'apiUrl'): Origin {
  return origins.get(name) ?? { kind: 'flag' };
}

export interface Opened {
  readonly url: string;
  readonly key: string;
  readonly host: string;
  readonly keyOrigin: string;
  close(): Promise<void>;
}

/** The local server or the service, not asked yet. */
export async function openWay(values: Values, io: Io, options: SessionOptions = {}): Promise<Opened> {
  return wantsLocal(values) ? await openLocal(values, io, options) : remoteOf(values, io);
}

/** The address of the service. */
export function addressOf(values: Values, env: Io['env']): string {
  const fromEnv = env['ZEP_API_URL'];
  return values.apiUrl ?? (fromEnv === undefined || fromEnv === '' ? DEFAULT_URL : fromEnv);
}

function remoteOf(values: Values, io: Io): Opened {
  const credentials = findKey(values, io.env);
  const { key, origin } = credentials;
  refuseForeignPair(values, credentials);
  const url = addressOf(values, io.env);
  const { origin: address } = normaliseBaseUrl(url);
  const { host } = new URL(address);
  return { url, key, host, keyOrigin: origin, close: () => Promise.resolve() };
}

/** A project's file may choose a profile, which is an address and its key; it may not lead another key to that address. */
function refuseForeignPair({ named, origins }: Values, credentials: Credentials): void {
  if (named?.named.by !== 'file' || named.named.isTrusted || credentials.profile === named.name) return;
  const address = origins.get('apiUrl');
  if (address?.kind !== 'file' || address.setting.profile !== named.name) return;
  throw untrusted(named.named.setting, `the address of profile ${named.name} for the key from ${credentials.origin}`);
}

async function openLocal(values: Values, io: Io, options: SessionOptions): Promise<Opened> {
  const { startLocalServer } = await import('../emulator/index.js');
  const dataFile = options.localData ?? join(makeFolder(stateDir(values.stateDir, io.env)), 'local.db');
  const server = await startLocalServer({
    dataFile,
    ...(options.processingRate === undefined ? {} : { processingRate: options.processingRate }),
  }).catch((error: unknown) => {
    throw ofThisCommand(error);
  });
  return { url: server.url, key: 'local', host: 'the local server', keyOrigin: '--local', close: () => server.close() };
}

/** The server's advice is for its own command; here its data lie in the state folder. */
function ofThisCommand(error: unknown): unknown {
  if (!(error instanceof AppError) || !error.code.startsWith('local-data')) return error;
  const hint =
    error.code === 'local-data-in-use'
      ? 'wait for the other command to end, or name another folder with --state-dir'
      : 'name another folder with --state-dir';
  return new AppError(error.message, { code: error.code, disposition: error.disposition, hint, cause: error });
}
