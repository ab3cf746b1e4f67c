/**
 * Preloaded into the program (`node --import`): waits of 0.95 s and more pass ten times as fast. Between two looks at a batch the program
 * waits a second and more, and a test that runs it a thousand times cannot. Shorter waits, such as the settle window that a test asks for,
 * keep their length.
 */
const ORDINARY_MS = 950;
const TIMES_AS_FAST = 10;
const setRealTimeout = globalThis.setTimeout;

globalThis.setTimeout = Object.assign(
  (work, ms, ...values) => setRealTimeout(work, ms >= ORDINARY_MS ? ms / TIMES_AS_FAST : ms, ...values),
  setRealTimeout,
);
