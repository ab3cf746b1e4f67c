/** `schema`: the JSON Schema of the mapping file, for editors. */
import { EXIT } from '../exit-codes.js';
import { print, type Io } from '../io.js';
import type { Values } from '../options.js';

export async function schema(_args: readonly string[], _values: Values, io: Io): Promise<void> {
  const { mappingSchema } = await import('../../mapping/index.js');
  await print(io.stdout, `${JSON.stringify(mappingSchema(), null, 2)}\n`);
  io.exitCode = EXIT.ok;
}
