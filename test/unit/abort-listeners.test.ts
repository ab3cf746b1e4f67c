import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { onAbort } from '../../src/abort-listeners.js';

it('tells everybody who waits when the signal is aborted, once, and nobody who is done', () => {
  const controller = new AbortController();
  const told: string[] = [];
  const listen = (name: string): (() => void) => onAbort(controller.signal, () => told.push(name));
  listen('a');
  const doneWithB = listen('b');
  listen('c');
  doneWithB();
  doneWithB();
  listen('d');
  controller.abort();
  controller.abort();
  expect(told.toSorted()).toEqual(['a', 'c', 'd']);
});

it('does not tell who is let go by one that was told before', () => {
  const controller = new AbortController();
  const told: string[] = [];
  const releases: (() => void)[] = [];
  onAbort(controller.signal, () => {
    told.push('first');
    for (const release of releases) release();
  });
  releases.push(onAbort(controller.signal, () => told.push('second')));
  controller.abort();
  expect(told).toEqual(['first']);
});

it('puts one listener on a signal, however many wait', () => {
  const { signal } = new AbortController();
  for (let i = 0; i < 1_000; i++) {
    const done = onAbort(signal, () => undefined);
    if (i % 2 === 0) done();
  }
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
});

it('leaves a place alone that somebody else has taken meanwhile', () => {
  const controller = new AbortController();
  const done = onAbort(controller.signal, () => undefined);
  done();
  let told = 0;
  onAbort(controller.signal, () => (told += 1));
  done();
  controller.abort();
  expect(told).toBe(1);
});

it('leaves nothing on a signal for which nobody waits any more, so that one made for a single wait can be collected', () => {
  const controller = new AbortController();
  const signal = AbortSignal.any([controller.signal, new AbortController().signal]);
  const releases = [onAbort(signal, () => undefined), onAbort(signal, () => undefined)];
  for (const release of releases) release();
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  let told = 0;
  onAbort(signal, () => (told += 1));
  controller.abort();
  expect(told).toBe(1);
});
