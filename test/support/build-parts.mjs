/** Before the tests: the parts of the program that they start processes on, built as the program is, beside it. */
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';
import { options } from '../../build.js';

export default async function buildParts() {
  await build({
    ...options,
    cwd: fileURLToPath(new URL('../../', import.meta.url)),
    input: {
      'weakened-bin': 'test/support/weakened-bin.ts',
      emulator: 'src/emulator/index.ts',
      'run-lock': 'src/ledger/run-lock.ts',
    },
    output: { ...options.output, dir: 'dist-parts' },
  });
}
