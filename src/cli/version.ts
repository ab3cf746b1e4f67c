/** The version of this package, from its package.json. */
import { readFileSync } from 'node:fs';
import { PACKAGE_ROOT } from '../package-root.js';

export function packageVersion(): string {
  const file = new URL('package.json', PACKAGE_ROOT);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
