/**
 * The profiles of zepctl, Zep's own command line (~/.zepctl/config.yaml: `current-profile`, and `profiles` as a list of maps with `name` and
 * `api-url`). Its keys lie in the system's keychain, which this program does not read: a profile gives an address, and never a key.
 * It is another program's file: what cannot be made sense of is passed over.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigNode, MapNode } from './nodes.js';
import type { Places } from './find.js';

export interface ZepctlProfile {
  readonly name: string;
  readonly apiUrl: string | undefined;
  readonly line: number;
  readonly column: number;
}

export interface ZepctlConfig {
  readonly path: string;
  readonly current: string | undefined;
  readonly profiles: readonly ZepctlProfile[];
}

const MAX_BYTES = 256 * 1024;

export function zepctlPath({ home }: Places): string {
  return join(home, '.zepctl', 'config.yaml');
}

/** Undefined where there is none, or it cannot be read. */
export async function readZepctl(places: Places): Promise<ZepctlConfig | undefined> {
  const path = zepctlPath(places);
  let text: string;
  try {
    const stats = statSync(path);
    if (!stats.isFile() || stats.size > MAX_BYTES) return undefined;
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  const { readYaml } = await import('./yaml-reader.js');
  const read = readYaml(text);
  if ('mistakes' in read) return undefined;
  const list = valueAt(read.map, 'profiles');
  const items = list?.kind === 'list' ? list.items : [];
  return { path, current: textAt(read.map, 'current-profile'), profiles: items.flatMap(profileOf) };
}

function profileOf(node: ConfigNode): ZepctlProfile[] {
  if (node.kind !== 'map') return [];
  const name = textAt(node, 'name');
  const { line, column } = node;
  return name === undefined ? [] : [{ name, apiUrl: textAt(node, 'api-url'), line, column }];
}

function valueAt(map: MapNode, key: string): ConfigNode | undefined {
  return map.entries.find((entry) => entry.key === key)?.value;
}

function textAt(map: MapNode, key: string): string | undefined {
  const node = valueAt(map, key);
  return node?.kind === 'scalar' && node.text !== '' ? node.text : undefined;
}
