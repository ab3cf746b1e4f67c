#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

// The exit code is 1 until a summary says otherwise: an import that dies in silence must not look like one that worked.
process.exitCode = 1;
const [major, minor] = process.versions.node.split('.').map(Number);
// 21 and the first of 22 lack what Node 20 has by now: crc32 of node:zlib.
if (major < 20 || (major === 20 && minor < 19) || major === 21 || (major === 22 && minor < 2)) {
  process.stderr.write(`zep-import needs Node.js 20.19, or 22.2 or newer; this is ${process.versions.node}\n`);
  process.exitCode = 2;
} else {
  // Rows live for milliseconds. V8 takes some kinds of them for long-lived all the same, and what they hold then stays with them: a third more memory.
  setFlagsFromString('--no-allocation-site-pretenuring');
  const { keepCompiled } = await import('../dist/compile-cache.js');
  keepCompiled(process.env);
  const { main } = await import('../dist/main.js');
  await main(process);
}
