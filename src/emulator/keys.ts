/**
 * Which project an API key opens. With no key configured every key that is not empty opens the one project, so that nothing has to be set
 * up; with keys configured any other key is refused as the service does it, in plain text. Keys are kept in memory only.
 */
import { createHash } from 'node:crypto';
import type { Project } from './store/projects.js';

export interface ApiKey {
  readonly key: string;
  /** The project's name; projects are born when first named. */
  readonly project: string;
}

export const DEFAULT_PROJECT = 'local';

function digest(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** The project of an Authorization header (`Api-Key KEY`), or undefined when the service would say 401. */
export function createKeyring(
  keys: readonly ApiKey[],
  open: (project: string) => Project,
): (authorization: string | undefined) => Project | undefined {
  const only = keys.length === 0 ? open(DEFAULT_PROJECT) : undefined;
  const known = new Map(keys.map(({ key, project }) => [digest(key), open(project)]));
  return (authorization) => {
    const key = /^Api-Key +(\S.*)$/i.exec(authorization ?? '')?.[1]?.trim();
    if (key === undefined || key === '') return undefined;
    return only ?? known.get(digest(key));
  };
}
