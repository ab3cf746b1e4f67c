/**
 * A mapping file stands above config files: what both say, the mapping says. It is known only after the flags, so this is settled where flags and
 * mapping come together. What was typed, or stands in a variable, is above both.
 */
import type { Mapping } from '../mapping/index.js';
import type { Values } from './options.js';

type Overruling = Pick<Mapping, 'source' | 'givesDestination' | 'sort'>;

/** Names of values from config files that the mapping decides. */
export function overruled({ origins }: Values, mapping: Overruling | undefined): ReadonlySet<string> {
  if (mapping === undefined) return new Set();
  const { source } = mapping;
  const said: Readonly<Record<string, boolean>> = {
    format: source?.format !== undefined,
    encoding: source?.encoding !== undefined,
    preset: source?.preset !== undefined,
    includeDms: source?.include_dms !== undefined,
    sort: mapping.sort !== undefined,
    graph: mapping.givesDestination,
    user: mapping.givesDestination,
    thread: mapping.givesDestination,
  };
  return new Set(Object.keys(said).filter((name) => said[name] === true && origins.get(name)?.kind === 'file'));
}

/** The values without those. */
export function settled(values: Values, mapping: Overruling | undefined): Values {
  const names = overruled(values, mapping);
  if (names.size === 0) return values;
  const kept = Object.fromEntries(Object.entries(values).filter(([name]) => !names.has(name))) as unknown as Values;
  return {
    ...kept,
    format: names.has('format') ? 'auto' : values.format,
    configured: values.configured.filter(({ name }) => !names.has(name)),
  };
}
