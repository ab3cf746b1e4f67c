/**
 * The program with one of its safeguards switched off (ZI_TEST_WITHOUT names it), for the test that such a program is found out. Otherwise
 * the same as bin/zep-import.js.
 */
import { main } from '../../src/cli/main.js';
import { FULL_PROTOCOL } from '../../src/run/protocol.js';

process.exitCode = 1;
const without = process.env['ZI_TEST_WITHOUT'] ?? '';
if (FULL_PROTOCOL[without as keyof typeof FULL_PROTOCOL] !== true) {
  throw new Error(`ZI_TEST_WITHOUT=${without} is none of ${Object.keys(FULL_PROTOCOL).join(', ')}`);
}
await main(process, { protocol: { ...FULL_PROTOCOL, [without]: false } });
