import { afterAll, beforeAll, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.js';
import { Ledger } from '../../../src/ledger/ledger.js';
import { findRun } from '../../../src/run/find-run.js';
import { newRun } from '../../support/books.js';

let ledger: Ledger;
beforeAll(async () => {
  ledger = await Ledger.open(':memory:');
  for (const [id, name] of [
    ['20260101-000000-aaaaaa', 'nightly'],
    ['20260101-000000-bbbbbb', undefined],
    ['20260102-000000-cccccc', 'nightly'],
    ['20260103-000000-dddddd', '20260101'],
  ] as const) {
    ledger.runs.begin(newRun(id, { name }), '2026-01-01T00:00:00Z');
  }
});
afterAll(() => ledger.close());

function codeOf(word: string | undefined): string {
  try {
    return findRun(ledger, word).id;
  } catch (error) {
    return error instanceof AppError ? `${error.code}/${error.disposition}/${error.hint ?? ''}` : String(error);
  }
}

it('is the newest without a word', () => {
  expect(codeOf(undefined)).toBe('20260103-000000-dddddd');
});

it('is found by its id, by the beginning of its id where that is enough, and by its name', () => {
  expect(codeOf('20260101-000000-bbbbbb')).toBe('20260101-000000-bbbbbb');
  expect(codeOf('20260102')).toBe('20260102-000000-cccccc');
  expect(codeOf('20260101')).toBe('20260103-000000-dddddd');
});

it('is the newest of its name, because a name is kept from night to night', () => {
  expect(codeOf('nightly')).toBe('20260102-000000-cccccc');
});

it('is not guessed: an unknown word, an empty one and a beginning that several share point at the list', () => {
  expect(codeOf('2027')).toBe('run-not-found/not-found/zep-import runs');
  expect(codeOf('')).toBe('run-not-found/not-found/zep-import runs');
  expect(codeOf('20260101-')).toBe('run-ambiguous/not-found/zep-import runs');
});
