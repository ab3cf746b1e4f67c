/**
 * The importer without the cost of its ledger, for comparison: bin/zep-import.js with every ledger of this process in memory, hence without
 * a write or a sync to disk (`ZI_BENCH_LEDGER=memory`), or with no row a chunk at all (`ZI_BENCH_LEDGER=none`). Nothing of it is in the program: no
 * flag does away with the ledger.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as main from '../src/cli/main.js';
import type * as batches from '../src/ledger/batches.js';

async function built<T>(path: string): Promise<T> {
  return (await import(pathToFileURL(join(process.cwd(), 'dist', path)).href)) as T;
}

process.exitCode = 1;
keepInMemory();
if (process.env['ZI_BENCH_LEDGER'] === 'none') {
  const { Batches } = await built<typeof batches>('ledger/batches.js');
  Batches.prototype.intendChunk = () => 1;
  Batches.prototype.chunkAccepted = () => undefined;
}
const { main: start } = await built<typeof main>('cli/main.js');
await start(process);

/** Both engines are classes that are given a path: the ledger's becomes `:memory:`. */
function keepInMemory(): void {
  const load = createRequire(join(process.cwd(), 'dist', 'sqlite.js'));
  type Engine = new (path: string) => object;
  const inMemory = (engine: Engine): Engine =>
    class extends engine {
      constructor(path: string) {
        super(path.endsWith('ledger.db') ? ':memory:' : path);
      }
    };
  if (process.versions.node.startsWith('20.')) {
    const resolved = load.resolve('libsql');
    load('libsql');
    const cached = load.cache[resolved];
    if (cached !== undefined) cached.exports = inMemory(cached.exports as Engine);
    return;
  }
  const sqlite = load('node:sqlite') as { DatabaseSync: Engine };
  sqlite.DatabaseSync = inMemory(sqlite.DatabaseSync);
}
