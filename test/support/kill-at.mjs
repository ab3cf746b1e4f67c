/**
 * Preloaded into the program (`node --import`): ends its own process with SIGKILL at a chosen moment, so that a test can ask what is left.
 * The program is not told and needs no code for it: its steps pass on the diagnostics channel `zep-import:step`.
 *
 * ZI_TEST_KILL   `add.intended`, `add.intended:3` (the third passing), `add.intended:3+20ms` (so long after it) or `after:350ms` (after the
 *                start). A moment that never comes leaves the process alone.
 * ZI_TEST_TRACE  a file that gets one line for each step that passes, written before the process can die of it.
 *
 * A moment between steps is kept by a thread of its own, because the program may be busy just then.
 */
import { subscribe } from 'node:diagnostics_channel';
import { openSync, writeSync } from 'node:fs';
import { isMainThread, Worker } from 'node:worker_threads';

const MOMENT = /^([a-z]+\.[a-z]+)(?::([1-9]\d*))?(?:\+(\d+)ms)?$/;
const TIME = /^after:(\d+)ms$/;

function parse(text) {
  const time = TIME.exec(text);
  if (time !== null) return { step: undefined, passing: 0, delayMs: Number(time[1]) };
  const moment = MOMENT.exec(text);
  if (moment === null) throw new Error(`ZI_TEST_KILL=${text} is not understood`);
  return { step: moment[1], passing: Number(moment[2] ?? 1), delayMs: Number(moment[3] ?? 0) };
}

function die() {
  process.kill(process.pid, 'SIGKILL');
}

/** Returns what starts the countdown. The thread is ready when this returns, so that it is not late. */
function countdown(delayMs) {
  const state = new Int32Array(new SharedArrayBuffer(8));
  const code = `
    const { workerData: { state, delayMs } } = require('node:worker_threads');
    Atomics.store(state, 1, 1);
    Atomics.notify(state, 1);
    Atomics.wait(state, 0, 0);
    Atomics.wait(state, 0, 1, delayMs);
    process.kill(process.pid, 'SIGKILL');`;
  const worker = new Worker(code, { eval: true, execArgv: [], env: {}, workerData: { state, delayMs } });
  worker.unref();
  return () => {
    Atomics.store(state, 0, 1);
    Atomics.notify(state, 0);
  };
}

if (isMainThread) {
  const trace = process.env['ZI_TEST_TRACE'];
  const file = trace === undefined ? undefined : openSync(trace, 'a', 0o600);
  const kill = process.env['ZI_TEST_KILL'];
  const moment = kill === undefined ? undefined : parse(kill);
  const end = moment === undefined ? undefined : moment.delayMs > 0 ? countdown(moment.delayMs) : die;
  if (moment?.step === undefined) end?.();
  let passed = 0;
  subscribe('zep-import:step', (step) => {
    if (file !== undefined) writeSync(file, `${step}\n`);
    if (step === moment?.step && ++passed === moment.passing) end?.();
  });
}
