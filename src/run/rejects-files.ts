/**
 * The rejected rows of a run in the formats of their sources, so that a person can mend them and load them with the command that loaded the
 * sources. The database says which rejections there are and how much of each file counts; the files never know more than it. Each step
 * leaves them so that a crash before the next commit to the database can be undone when they are opened again.
 *
 * Every way of writing a row is chosen so that it is read again as the row it was, or rejected again, whatever stands around it.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Rejection, SourceFormat, SourceInfo } from '../model.js';
import { BYTE_ORDER_MARK, encodeRaw } from '../raw-text.js';
import { removeFile, syncFolder } from './durable-files.js';
import { RejectsFile, type RejectPlace, type RejectsFileState } from './rejects-file.js';
import { rewriteFiles } from './rejects-rewrite.js';

export type { RejectPlace, RejectsFileState } from './rejects-file.js';

/** Finds the place of a record that was written earlier, by the index of its source and its ordinal. */
export type FindPlace = (source: number, ordinal: number) => RejectPlace | undefined;

const BUFFER_BYTES = 64 * 1024;
const NAMES = /^rejects(-\d+)?\.(jsonl|csv|tsv)(\.new|\.old)?$/;

/** Nothing but blanks and one opening bracket: no row, and a first line that would make the file look like one JSON document. */
const NO_ROW = /^\s*[[{]?\s*$/;
/** At the beginning of a file these look like the mark of another encoding or a compressed file. */
const MISLEADING = /^\uFEFF|^[^]?[\uDC80-\uDCFF]/u;

type Family = 'jsonl' | 'csv' | 'tsv';

export class RejectsFiles {
  readonly #folder: string;
  readonly #find: FindPlace | undefined;
  #files: RejectsFile[] = [];
  #states: readonly RejectsFileState[] = [];
  #names = new Set<string>();
  /** Numbers of files by family and head. */
  #byHead = new Map<string, number>();
  /** Places by record: those since the last flush, and those of the flush before, which the database may not have yet. */
  #recent = new Map<string, RejectPlace>();
  #earlier = new Map<string, RejectPlace>();
  #waiting = 0;
  #hasNews = false;
  #makesNames = false;
  #aside: readonly RejectsFile[] = [];

  private constructor(folder: string, files: RejectsFile[], find: FindPlace | undefined) {
    this.#folder = folder;
    this.#find = find;
    this.#take(files);
  }

  /**
   * The rejects files in the folder of a run as they were at the states `kept`, in the order in which `flush` or `rewrite` gave them; all
   * other files of their kind are removed. `find` asks the database for the place of a record; without it the places of all rows added
   * are held in memory, and those of earlier processes are not known. Throws AppError (disposition `ledger`): `rejects-changed` when a
   * file holds less than it should, `disk-full`, `rejects-unwritable`.
   */
  static open(folder: string, kept: readonly RejectsFileState[], find?: FindPlace): RejectsFiles {
    const files = kept.map((state) => RejectsFile.reopen(folder, state));
    const names = new Set(kept.map(({ name }) => name));
    for (const name of readdirSync(folder)) {
      if (NAMES.test(name) && !names.has(name)) removeFile(join(folder, name));
    }
    return new RejectsFiles(folder, files, find);
  }

  /** The files that hold rows. */
  get paths(): readonly string[] {
    return this.#files.map((file) => file.path);
  }

  /**
   * Adds the row a rejection is about, unless its record is there already, and tells where it lies. `raw` and `head` are those of the
   * block. Undefined when there is no row to write: the rejection is about damage between rows. The row is safe when `flush` has returned.
   * Throws AppError `disk-full` or `rejects-unwritable`.
   */
  add(rejection: Rejection, raw: string, source: SourceInfo, head: string | undefined): RejectPlace | undefined {
    const { ordinal } = rejection.position;
    const key = `${source.index} ${ordinal}`;
    const known = this.#recent.get(key) ?? this.#earlier.get(key) ?? this.#find?.(source.index, ordinal);
    if (known !== undefined) return known;
    const family = familyOf(source.format);
    if (family === 'jsonl' ? NO_ROW.test(raw) : raw === '') return undefined;
    this.#forgetAside();
    const file = this.#fileFor(family, head ?? '', raw);
    const place = this.#append(file, encodeRaw(family === 'jsonl' ? oneLine(raw) : raw));
    this.#recent.set(key, place);
    if (this.#waiting >= BUFFER_BYTES) this.#write(false);
    return place;
  }

  #append(number: number, row: Buffer): RejectPlace {
    const file = this.#files[number];
    if (file === undefined) throw new RangeError(`there is no rejects file ${number}`);
    const { offset, length } = file.add(row);
    this.#hasNews = true;
    this.#waiting += length;
    return { file: number, offset, length };
  }

  /** The file for such rows: one with their head, and with a byte order mark before it where the head has one or the row needs one. */
  #fileFor(family: Family, head: string, raw: string): number {
    const isMarked = head.startsWith(BYTE_ORDER_MARK);
    const body = isMarked ? head.slice(BYTE_ORDER_MARK.length) : head;
    const needsMark = raw.includes('\0') || body.includes('\0') || (body === '' && MISLEADING.test(raw));
    const marks = needsMark ? [true] : [isMarked, !isMarked];
    for (const mark of marks) {
      const found = this.#byHead.get(headKey(family, mark ? BYTE_ORDER_MARK + body : body));
      if (found !== undefined) return found;
    }
    const newHead = marks[0] === true ? BYTE_ORDER_MARK + body : body;
    const number = this.#files.push(RejectsFile.create(this.#folder, this.#freeName(family), newHead)) - 1;
    this.#byHead.set(headKey(family, newHead), number);
    this.#makesNames = true;
    return number;
  }

  #freeName(family: Family): string {
    for (let number = 1; ; number++) {
      const name = number === 1 ? `rejects.${family}` : `rejects-${number}.${family}`;
      if (!this.#names.has(name)) {
        this.#names.add(name);
        return name;
      }
    }
  }

  /** Takes over these files, all of them as they were kept. */
  #take(files: RejectsFile[]): void {
    this.#files = files;
    this.#states = files.map((file) => file.state);
    this.#names = new Set(files.map(({ name }) => name));
    this.#byHead = new Map(files.map(({ name, head }, number) => [headKey(familyByName(name), head), number]));
  }

  /**
   * Makes every row added so far survive a crash, and gives the states of all files: what the database must hold together with the
   * rejections. Free when nothing was added. Throws AppError `disk-full` or `rejects-unwritable`; then it can be tried again.
   */
  flush(): readonly RejectsFileState[] {
    if (!this.#hasNews) return this.#states;
    this.#write(true);
    if (this.#makesNames) syncFolder(this.#folder);
    this.#makesNames = this.#hasNews = false;
    this.#states = this.#files.map((file) => file.state);
    if (this.#find !== undefined) {
      this.#earlier = this.#recent;
      this.#recent = new Map();
    }
    return this.#states;
  }

  #write(durably: boolean): void {
    for (const file of this.#files) if (file.hasNews) file.write(durably);
    this.#waiting = 0;
  }

  /**
   * Makes the files hold only these rows, in this order within each file; a place may occur more than once. A file that loses no row stays
   * as it is; one that loses all is removed, which changes the numbers of those behind it. Gives the new places, in the order of `keep`,
   * and the new states: they must be in the database before anything is added, because until then a crash brings back the old files.
   * Throws AppError as `flush` does; then nothing has changed.
   */
  rewrite(keep: readonly RejectPlace[]): {
    readonly places: readonly RejectPlace[];
    readonly files: readonly RejectsFileState[];
  } {
    this.flush();
    this.#forgetAside();
    const { files, aside, moved } = rewriteFiles(this.#files, keep);
    if (aside.length > 0) syncFolder(this.#folder);
    this.#aside = aside;
    this.#take(files);
    this.#recent = movePlaces(this.#recent, moved);
    this.#earlier = movePlaces(this.#earlier, moved);
    return { places: keep.map((place) => moved(place) ?? place), files: this.#states };
  }

  #forgetAside(): void {
    for (const file of this.#aside) file.forgetAside();
    this.#aside = [];
  }

  /** Forgets what was added after the last flush: it is in no database. Nothing can be added afterwards. Never throws. */
  close(): void {
    for (const file of this.#files) {
      try {
        file.dropNews();
      } catch {
        // The run may be ending because of this very disk; what is left over is cut off when the files are opened again.
      }
    }
    this.#files = this.#files.filter((file) => !file.isNew);
    this.#hasNews = false;
  }
}

function familyOf(format: SourceFormat): Family {
  return format === 'csv' || format === 'tsv' ? format : 'jsonl';
}

function familyByName(name: string): Family {
  return name.endsWith('.csv') ? 'csv' : name.endsWith('.tsv') ? 'tsv' : 'jsonl';
}

function headKey(family: Family, head: string): string {
  return `${family} ${head}`;
}

/**
 * A tab is allowed wherever JSON allows a line break and forbidden inside texts just as that is: the line means what the text meant, and is
 * neither more valid nor less.
 */
function oneLine(json: string): string {
  return json.replace(/\r\n|[\r\n]/g, '\t');
}

function movePlaces(
  places: ReadonlyMap<string, RejectPlace>,
  moved: (place: RejectPlace) => RejectPlace | undefined,
): Map<string, RejectPlace> {
  const there = new Map<string, RejectPlace>();
  for (const [key, place] of places) {
    const to = moved(place);
    if (to !== undefined) there.set(key, to);
  }
  return there;
}
