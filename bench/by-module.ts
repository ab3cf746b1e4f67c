/** bin/zep-import.js with the sources as modules of their own, for profiles. */
import { setFlagsFromString } from 'node:v8';
import { main } from '../src/cli/main.js';

process.exitCode = 1;
setFlagsFromString('--no-allocation-site-pretenuring');
await main(process);
