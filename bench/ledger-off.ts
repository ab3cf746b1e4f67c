/**
 * The importer without the cost of its ledger, for comparison: bin/zep-import.js with every ledger of this process in memory, hence without
 * a write or a sync to disk. Nothing of it is in the program: no flag does away with the ledger.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

type Engine = new (path: string) => object;

keepInMemory();
await import(pathToFileURL(join(process.cwd(), 'bin', 'zep-import.js')).href);

/** Both engines are classes that are given a path: the ledger's becomes `:memory:`. */
function keepInMemory(): void {
  const load = createRequire(join(process.cwd(), 'dist', 'main.js'));
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
