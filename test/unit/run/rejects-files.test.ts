import fc from 'fast-check';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
} from 'node:fs';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeReasons, type StoredRejection } from '../../../src/run/reject-reasons.js';
import { RejectsFiles, type RejectPlace, type RejectsFileState } from '../../../src/run/rejects-files.js';
import { addRow, rowAt, sourceInfo, tempFolder } from './rejects-support.js';

const text = (folder: string, name: string): string => readFileSync(join(folder, name), 'utf8');
const added = (place: RejectPlace | undefined): RejectPlace => {
  if (place === undefined) throw new Error('nothing was added');
  return place;
};

describe('rejects files', () => {
  it('are made with the first row, readable only by their owner, and tell where each row lies', () => {
    const folder = tempFolder();
    const files = RejectsFiles.open(folder, []);
    expect([files.flush(), files.paths, readdirSync(folder)]).toEqual([[], [], []]);
    const first = addRow(files, 0, '{"a":"é"}');
    const second = addRow(files, 1, '{"b":2}');
    const third = addRow(files, 2, '1,2', { format: 'csv', head: 'a,b\r\n' });
    expect([first, second, third]).toEqual([
      { file: 0, offset: 0, length: 10 },
      { file: 0, offset: 11, length: 7 },
      { file: 1, offset: 5, length: 3 },
    ]);
    expect(readdirSync(folder)).toEqual([]);
    const states = files.flush();
    expect(states).toEqual([
      { name: 'rejects.jsonl', bytes: 19, headBytes: 0 },
      { name: 'rejects.csv', bytes: 10, headBytes: 5 },
    ]);
    expect(files.paths).toEqual(states.map(({ name }) => join(folder, name)));
    expect(statSync(files.paths[0] ?? '').mode & 0o777).toBe(0o600);
    expect([text(folder, 'rejects.jsonl'), text(folder, 'rejects.csv')]).toEqual([
      '{"a":"é"}\n{"b":2}\n',
      'a,b\r\n1,2\r\n',
    ]);
    expect(files.flush()).toBe(states);
  });

  it('hold a record once, however many of its items are rejected', () => {
    const files = RejectsFiles.open(tempFolder(), []);
    const place = added(addRow(files, 7, '{"a":1}'));
    expect(addRow(files, 7, '{"a":1}')).toEqual(place);
    files.flush();
    addRow(files, 8, '{"b":1}');
    files.flush();
    files.flush();
    expect(addRow(files, 7, '{"a":1}')).toEqual(place);
    expect(addRow(files, 7, '{"a":1}', { index: 1 })).not.toEqual(place);
  });

  it('ask the database for records of which they remember nothing', () => {
    const folder = tempFolder();
    const stored = new Map<string, RejectPlace>();
    const find = (source: number, ordinal: number): RejectPlace | undefined => stored.get(`${source} ${ordinal}`);
    const files = RejectsFiles.open(folder, [], find);
    const place = added(addRow(files, 7, '{"a":1}'));
    const states = files.flush();
    expect(addRow(files, 7, '{"a":1}')).toEqual(place);
    stored.set('0 7', place);
    for (let ordinal = 8; ordinal < 12; ordinal++) {
      addRow(files, ordinal, '{}');
      files.flush();
    }
    expect(addRow(files, 7, '{"a":1}')).toEqual(place);
    expect(addRow(RejectsFiles.open(folder, states, find), 7, '{"a":1}')).toEqual(place);
  });

  it('are cut to what the database knows, others of their kind are removed, everything else stays', () => {
    const folder = tempFolder();
    const files = RejectsFiles.open(folder, []);
    addRow(files, 0, '{"a":1}');
    const kept = files.flush();
    addRow(files, 1, '{"b":1}');
    addRow(files, 2, '1', { format: 'csv' });
    files.flush();
    for (const name of ['rejects-3.tsv', 'rejects.csv.new', 'rejects.tsv.old']) writeFileSync(join(folder, name), 'x');
    const others = ['reject-reasons.jsonl', 'rejects.csv.mine', 'my-rejects.csv', 'rejects-x.csv', 'summary.json'];
    for (const name of others) writeFileSync(join(folder, name), 'x');
    const again = RejectsFiles.open(folder, kept);
    expect(readdirSync(folder).sort()).toEqual([...others, 'rejects.jsonl'].sort());
    expect(addRow(again, 1, '{"c":1}')).toEqual({ file: 0, offset: 8, length: 7 });
    again.flush();
    expect(text(folder, 'rejects.jsonl')).toBe('{"a":1}\n{"c":1}\n');
  });

  it('go on where they were for the same columns, and get another file for others', () => {
    const folder = tempFolder();
    const files = RejectsFiles.open(folder, []);
    addRow(files, 0, '1,2', { format: 'csv', head: '\uFEFFa,b\r\n' });
    addRow(files, 0, '1,2', { format: 'csv', head: 'b,a\n', index: 1 });
    const again = RejectsFiles.open(folder, files.flush());
    expect(addRow(again, 1, '3,4', { format: 'csv', head: '\uFEFFa,b\r\n' })?.file).toBe(0);
    expect(addRow(again, 2, '5,6', { format: 'csv', head: 'a,b\r\n' })?.file).toBe(0);
    expect(addRow(again, 1, '7,8', { format: 'csv', head: 'b,a\n', index: 1 })?.file).toBe(1);
    expect(addRow(again, 3, '9', { format: 'csv', head: 'a\n', index: 2 })?.file).toBe(2);
    expect(again.flush().map(({ name }) => name)).toEqual(['rejects.csv', 'rejects-2.csv', 'rejects-3.csv']);
    expect(text(folder, 'rejects.csv')).toBe('\uFEFFa,b\r\n1,2\r\n3,4\r\n5,6\r\n');
  });

  it('that somebody changed or took away stop the run instead of being guessed at', () => {
    const folder = tempFolder();
    const files = RejectsFiles.open(folder, []);
    addRow(files, 0, '{"a":1}');
    const kept = files.flush();
    truncateSync(join(folder, 'rejects.jsonl'), 3);
    const expected = { code: 'rejects-changed', disposition: 'ledger' };
    expect(() => RejectsFiles.open(folder, kept)).toThrow(expect.objectContaining(expected) as Error);
    rmSync(join(folder, 'rejects.jsonl'));
    expect(() => RejectsFiles.open(folder, kept)).toThrow(expect.objectContaining(expected) as Error);
  });

  it('forget at the end what is in no database', () => {
    const folder = tempFolder();
    const files = RejectsFiles.open(folder, []);
    addRow(files, 0, '{"a":1}');
    files.flush();
    addRow(files, 1, `{"b":"${'x'.repeat(100_000)}"}`);
    addRow(files, 2, 'y'.repeat(100_000), { format: 'csv' });
    expect(statSync(join(folder, 'rejects.jsonl')).size).toBeGreaterThan(100_000);
    files.close();
    expect(readdirSync(folder)).toEqual(['rejects.jsonl']);
    expect(text(folder, 'rejects.jsonl')).toBe('{"a":1}\n');
    expect(files.paths).toEqual([join(folder, 'rejects.jsonl')]);
  });

  it.runIf(existsSync('/dev/full'))(
    'stop the import when the disk takes no more, and can go on when it does again',
    () => {
      const folder = tempFolder();
      const files = RejectsFiles.open(folder, []);
      addRow(files, 0, '{"a":1}');
      symlinkSync('/dev/full', join(folder, 'rejects.jsonl'));
      const expected = {
        code: 'disk-full',
        disposition: 'ledger',
        hint: expect.stringContaining('--state-dir') as string,
      };
      expect(() => files.flush()).toThrow(expect.objectContaining(expected) as Error);
      expect(() => addRow(files, 1, `{"b":"${'x'.repeat(100_000)}"}`)).toThrow(
        expect.objectContaining(expected) as Error,
      );
      rmSync(join(folder, 'rejects.jsonl'));
      expect(files.flush()[0]?.bytes).toBe(statSync(join(folder, 'rejects.jsonl')).size);
      expect(text(folder, 'rejects.jsonl').startsWith('{"a":1}\n{"b":"xx')).toBe(true);
    },
  );
});

describe('rewriting rejects files', () => {
  function threeFiles(folder: string): {
    files: RejectsFiles;
    places: RejectPlace[];
    states: readonly RejectsFileState[];
  } {
    const files = RejectsFiles.open(folder, []);
    const places = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((ordinal) => {
      const kind = [{ format: 'csv', head: 'a\r\n' }, { format: 'jsonl' }, { format: 'csv', head: 'b\n' }][ordinal % 3];
      return added(addRow(files, ordinal, String(ordinal).repeat(3 + ordinal), kind as Parameters<typeof addRow>[3]));
    });
    return { files, places, states: files.flush() };
  }

  it('keeps the head and the rows named, in their new order, and tells where; files without rows are gone', () => {
    const folder = tempFolder();
    const { files, places } = threeFiles(folder);
    const keep = [3, 8, 2, 8].map((ordinal) => added(places[ordinal]));
    const rewritten = files.rewrite(keep);
    expect(rewritten.places).toEqual([
      { file: 0, offset: 3, length: 6 },
      { file: 1, offset: 2, length: 11 },
      { file: 1, offset: 14, length: 5 },
      { file: 1, offset: 2, length: 11 },
    ]);
    const rows = ['3'.repeat(6), '8'.repeat(11), '2'.repeat(5), '8'.repeat(11)];
    expect(rewritten.places.map((place) => rowAt(files, place))).toEqual(rows);
    expect(rewritten.files.map(({ name }) => name)).toEqual(['rejects.csv', 'rejects-2.csv']);
    expect(text(folder, 'rejects.csv')).toBe('a\r\n333333\r\n');
    expect(addRow(files, 3, '333333', { format: 'csv', head: 'a\r\n' })).toEqual(rewritten.places[0]);
    expect(addRow(files, 0, '000', { format: 'csv', head: 'a\r\n' })).toEqual({ file: 0, offset: 11, length: 3 });
    expect(addRow(files, 1, '1111', {})).toEqual({ file: 2, offset: 0, length: 4 });
    files.flush();
    expect(readdirSync(folder).sort()).toEqual(['rejects-2.csv', 'rejects.csv', 'rejects.jsonl']);
  });

  it('is undone by a crash between two files', () => {
    const folder = tempFolder();
    const { files, places, states } = threeFiles(folder);
    const before = files.paths.map((path) => readFileSync(path, 'utf8'));
    const paths = files.paths;
    files.rewrite(places.slice(8));
    renameSync(`${paths[2] ?? ''}.old`, paths[2] ?? '');
    writeFileSync(`${paths[2] ?? ''}.new`, 'half');
    expect(RejectsFiles.open(folder, states).paths.map((path) => readFileSync(path, 'utf8'))).toEqual(before);
    expect(readdirSync(folder)).toHaveLength(3);
  });

  it('leaves files alone that lose nothing', () => {
    const folder = tempFolder();
    const { files, places, states } = threeFiles(folder);
    const inodes = files.paths.map((path) => statSync(path).ino);
    expect(files.rewrite([...places].reverse())).toEqual({ places: [...places].reverse(), files: states });
    expect(files.paths.map((path) => statSync(path).ino)).toEqual(inodes);
  });

  it('is undone by a crash before the database has it, and stands after', () => {
    for (const dropped of [[0], [0, 3, 6], [0, 1, 2, 3, 4, 5, 6, 7, 8]]) {
      const folder = tempFolder();
      const { files, places, states } = threeFiles(folder);
      const before = files.paths.map((path) => readFileSync(path, 'utf8'));
      const keep = places.filter((_, index) => !dropped.includes(index));
      files.rewrite(keep);
      const undone = RejectsFiles.open(folder, states);
      expect(undone.paths.map((path) => readFileSync(path, 'utf8'))).toEqual(before);
      const rewritten = undone.rewrite(keep);
      const stands = RejectsFiles.open(folder, rewritten.files);
      expect(rewritten.places.map((place) => rowAt(stands, place))).toEqual(
        keep.map((place) => String(places.indexOf(place)).repeat(3 + places.indexOf(place))),
      );
      expect(readdirSync(folder).sort()).toEqual(rewritten.files.map(({ name }) => name).sort());
    }
  });

  it.runIf(existsSync('/dev/full'))('changes nothing when the disk takes no more', () => {
    const folder = tempFolder();
    const { files, places } = threeFiles(folder);
    symlinkSync('/dev/full', join(folder, 'rejects-2.csv.new'));
    const before = readdirSync(folder).filter((name) => !name.endsWith('.new'));
    const texts = before.map((name) => text(folder, name));
    expect(() => files.rewrite(places.slice(3))).toThrow(expect.objectContaining({ code: 'disk-full' }) as Error);
    expect(readdirSync(folder)).toEqual(before);
    expect(before.map((name) => text(folder, name))).toEqual(texts);
    expect(files.rewrite(places.slice(3)).places.map((place) => rowAt(files, place))[0]).toBe('333333');
  });
});

describe('any sequence of rows, commits, rewritings and crashes', () => {
  type Step =
    | { readonly kind: 'add'; readonly of: number; readonly size: number }
    | { readonly kind: 'commit' }
    | { readonly kind: 'crash'; readonly garbage: number }
    | { readonly kind: 'rewrite'; readonly keep: number; readonly commits: boolean };
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('add'), of: fc.nat(3), size: fc.constantFrom(1, 9, 30_000) }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('commit') }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash'), garbage: fc.nat(40) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('rewrite'), keep: fc.nat(255), commits: fc.boolean() }) },
  );
  const kinds = [
    { format: 'jsonl' },
    { format: 'csv', head: 'a,b\r\n' },
    { format: 'csv', head: '\uFEFFc\n' },
    { format: 'tsv', head: 'd\r' },
  ] as const;

  interface Row {
    readonly place: RejectPlace;
    readonly text: string;
  }

  /** The database: what it holds is all that is known after a crash. */
  class Model {
    readonly folder = tempFolder();
    states: readonly RejectsFileState[] = [];
    rows: readonly Row[] = [];
    files = RejectsFiles.open(this.folder, []);
    #added: Row[] = [];
    #ordinal = 0;

    do(one: Step): void {
      if (one.kind === 'add') this.#add(one.of, one.size);
      else if (one.kind === 'commit') this.#commit();
      else if (one.kind === 'crash') this.crash(one.garbage);
      else {
        this.#commit();
        const keep = this.rows.filter((_, index) => ((one.keep >> (index % 8)) & 1) === 1);
        const { places, files } = this.files.rewrite(keep.map(({ place }) => place));
        if (!one.commits) this.crash(0);
        else {
          this.rows = keep.map(({ text: row }, index) => ({ place: added(places[index]), text: row }));
          this.states = files;
        }
      }
    }

    #add(of: number, size: number): void {
      const row = String.fromCharCode(97 + (this.#ordinal % 26)).repeat(size);
      this.#added.push({ place: added(addRow(this.files, this.#ordinal++, row, kinds[of])), text: row });
    }

    #commit(): void {
      this.states = this.files.flush();
      this.rows = [...this.rows, ...this.#added];
      this.#added = [];
    }

    crash(garbage: number): void {
      this.#added = [];
      for (const name of readdirSync(this.folder)) {
        if (garbage % 3 === 0) appendFileSync(join(this.folder, name), 'z'.repeat(garbage));
      }
      this.files = RejectsFiles.open(this.folder, this.states);
    }
  }

  it('leaves files that hold exactly the rows of the database, where it says', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const model = new Model();
        for (const one of [...steps, { kind: 'crash', garbage: 3 } as const]) {
          model.do(one);
          if (one.kind !== 'crash') continue;
          expect(model.rows.map(({ place }) => rowAt(model.files, place))).toEqual(model.rows.map((row) => row.text));
          expect(readdirSync(model.folder).sort()).toEqual(model.states.map(({ name }) => name).sort());
          for (const [file, { name, bytes }] of model.states.entries()) {
            const rows = model.rows.filter(({ place }) => place.file === file);
            const head = kinds.find((kind) => 'head' in kind && text(model.folder, name).startsWith(kind.head));
            const lineEnd = /\r?\n$|\r$/.exec(head !== undefined && 'head' in head ? head.head : '\n')?.[0] ?? '';
            const lines = rows.sort((a, b) => a.place.offset - b.place.offset).map((row) => row.text + lineEnd);
            const all = (head !== undefined && 'head' in head ? head.head : '') + lines.join('');
            expect(text(model.folder, name)).toBe(all);
            expect(bytes).toBe(Buffer.byteLength(all));
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('the reasons of rejections', () => {
  const rejection: StoredRejection = {
    stage: 'map',
    code: 'expression',
    message: 'amount is text in a CSV: number(amount)',
    position: { source: sourceInfo('csv'), ordinal: 4, line: 6, byteStart: 40, byteEnd: 52 },
  };

  it('are a line each, without row content, and replace what was there in one step', () => {
    const path = join(tempFolder(), 'reject-reasons.jsonl');
    writeFileSync(path, 'old');
    const reasons = [rejection, { ...rejection, item: 1, field: 'amount', occurrence: 2 }];
    expect(writeReasons(path, reasons)).toBe(2);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        source: 'source-0.csv',
        line: 6,
        ordinal: 4,
        byte_start: 40,
        byte_end: 52,
        stage: 'map',
        code: 'expression',
        message: rejection.message,
      },
      expect.objectContaining({ item: 1, field: 'amount', occurrence: 2 }),
    ]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('are no file when there are none, and any number in bounded pieces', () => {
    const path = join(tempFolder(), 'reject-reasons.jsonl');
    expect(writeReasons(path, [])).toBe(0);
    expect(existsSync(path)).toBe(false);
    const many = function* (): Generator<StoredRejection> {
      for (let i = 0; i < 20_000; i++) yield rejection;
    };
    expect(writeReasons(path, many())).toBe(20_000);
    expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(20_000);
    expect(writeReasons(path, [])).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  it('leave the old file as it was when they cannot be written', () => {
    const path = join(tempFolder(), 'reject-reasons.jsonl');
    writeReasons(path, [rejection]);
    const before = readFileSync(path, 'utf8');
    const broken = function* (): Generator<StoredRejection> {
      yield rejection;
      throw new Error('the database is gone');
    };
    expect(() => writeReasons(path, broken())).toThrow('the database is gone');
    expect(readFileSync(path, 'utf8')).toBe(before);
  });
});
