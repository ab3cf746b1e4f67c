import {
  appendFileSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.js';
import { ABSENT } from '../../../src/ledger/hash-store/entry.js';
import { Segment } from '../../../src/ledger/hash-store/segment.js';
import { SegmentSet } from '../../../src/ledger/hash-store/segment-set.js';
import { writeSegment } from '../../../src/ledger/hash-store/segment-writer.js';
import { codeOf, keyOf, tableOf, thrownBy } from '../../support/hash-store.js';

const DAMAGED = 'ledger-damaged/ledger';
const ENTRIES = 500;
const PAGE = 4096;
const BLOCKS_END = PAGE * 4;

const root = mkdtempSync(join(tmpdir(), 'zi-damage-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(root, 'at-'));
  path = join(folder, 'a.seg');
});

/** `told` when opening or some question says that the file is damaged; fails on any wrong answer and any other error. */
function verdict(): 'told' | 'not told' {
  let segment: Segment | undefined;
  let isTold = false;
  try {
    segment = Segment.open(path);
    for (let n = 0; n < ENTRIES + 50; n++) {
      try {
        const value: number = segment.get(keyOf(n));
        if (value !== (n < ENTRIES ? n : ABSENT)) expect.fail(`key ${n} is answered with ${value}`);
      } catch (error) {
        if (codeOf(error) !== DAMAGED) throw error;
        isTold = true;
      }
    }
  } catch (error) {
    if (codeOf(error) !== DAMAGED) throw error;
    isTold = true;
  } finally {
    segment?.close();
  }
  return isTold ? 'told' : 'not told';
}

describe('a segment that is not what was written', () => {
  it('is told by any byte that changed, in the header, the entries, the filter, the index or the checksum', () => {
    writeSegment(path, tableOf(0, ENTRIES));
    expect(verdict()).toBe('not told');
    const bytes = readFileSync(path);
    const file = openSync(path, 'r+');
    for (let at = 0; at < bytes.length; at += at < 32 || at >= BLOCKS_END ? 1 : 17) {
      const byte = bytes[at] ?? 0;
      writeSync(file, Uint8Array.of(byte ^ (1 << (at % 8))), 0, 1, at);
      if (verdict() !== 'told') expect.fail(`byte ${at}`);
      writeSync(file, Uint8Array.of(byte), 0, 1, at);
    }
    closeSync(file);
    expect(verdict()).toBe('not told');
  });

  it('is told when blocks changed places', () => {
    writeSegment(path, tableOf(0, ENTRIES));
    const bytes = readFileSync(path);
    const [one, two] = [bytes.subarray(PAGE, 2 * PAGE), bytes.subarray(2 * PAGE, 3 * PAGE)];
    writeFileSync(path, Buffer.concat([bytes.subarray(0, PAGE), two, one, bytes.subarray(3 * PAGE)]));
    expect(verdict()).toBe('told');
  });

  it('is told at any length but its own', () => {
    const { bytes } = writeSegment(path, tableOf(0, ENTRIES));
    appendFileSync(path, 'x');
    expect(thrownBy(() => Segment.open(path))).toBe(DAMAGED);
    for (const length of [bytes - 1, bytes - 4, bytes - 100, BLOCKS_END, BLOCKS_END - 1, PAGE, PAGE - 1, 16, 1, 0]) {
      truncateSync(path, length);
      expect(thrownBy(() => Segment.open(path))).toBe(DAMAGED);
    }
  });

  it('is told when it is missing, or of another kind, or of another version', () => {
    expect(thrownBy(() => Segment.open(path))).toBe(DAMAGED);
    writeFileSync(path, 'x'.repeat(10_000));
    expect(thrownBy(() => Segment.open(path))).toBe(DAMAGED);
    writeSegment(path, tableOf(0, ENTRIES));
    const bytes = readFileSync(path);
    bytes[4] = 2;
    writeFileSync(path, bytes);
    expect(thrownBy(() => Segment.open(path))).toBe(DAMAGED);
  });

  it('is told when it is whole but not the one on record', () => {
    const facts = writeSegment(path, tableOf(0, ENTRIES));
    const other = join(folder, 'b.seg');
    writeSegment(other, tableOf(0, ENTRIES, 1));
    expect(thrownBy(() => Segment.open(other, facts))).toBe(DAMAGED);
    copyFileSync(path, other);
    expect(thrownBy(() => Segment.open(other, facts).close())).toBe('none');
  });

  it('is told when it is cut short after it was opened', () => {
    writeSegment(path, tableOf(0, ENTRIES));
    const segment = Segment.open(path);
    truncateSync(path, PAGE);
    expect(thrownBy(() => segment.get(keyOf(1)))).toBe(DAMAGED);
    segment.close();
  });

  it('is named in the message, which says what to do', () => {
    try {
      Segment.open(path);
      expect.fail('opened');
    } catch (error) {
      expect(error).toBeInstanceOf(AppError);
      expect((error as AppError).message).toBe(`the ledger file ${path} is damaged: it is missing`);
      expect((error as AppError).hint).toContain('--state-dir');
    }
  });

  it('does not get into the set', () => {
    const set = new SegmentSet();
    writeFileSync(path, '');
    expect(thrownBy(() => set.add(path))).toBe(DAMAGED);
    expect(set.segments).toEqual([]);
  });
});

describe('a file that cannot be read or written', () => {
  it('is not called damaged', () => {
    mkdirSync(path);
    expect(thrownBy(() => Segment.open(path))).toBe('ledger-read/ledger');
    expect(thrownBy(() => writeSegment(join(folder, 'no-folder', 'a.seg'), tableOf(0, 1)))).toBe('ledger-write/ledger');
  });

  it('leaves nothing half-written', () => {
    mkdirSync(path);
    expect(thrownBy(() => writeSegment(path, tableOf(0, ENTRIES)))).toBe('ledger-write/ledger');
    expect(readdirSync(folder)).toEqual(['a.seg']);
  });
});

describe('a crash while a segment is written', () => {
  it('leaves what is never taken for the segment, and does not hinder writing it again', () => {
    writeSegment(path, tableOf(0, ENTRIES));
    copyFileSync(path, `${path}.tmp`);
    rmSync(path);
    truncateSync(`${path}.tmp`, 9_000);
    expect(thrownBy(() => Segment.open(path))).toBe(DAMAGED);
    expect(thrownBy(() => Segment.open(`${path}.tmp`))).toBe(DAMAGED);
    writeSegment(path, tableOf(0, ENTRIES));
    expect(readdirSync(folder)).toEqual(['a.seg']);
    expect(verdict()).toBe('not told');
  });
});
