/**
 * Where finished items go, and what they share while one record is mapped: its position, the number of the next item, the key of the
 * row. One emission serves a whole run.
 */
import type { CheckNotice } from '../../check-report.js';
import type { Item, MapOutput, Position } from '../../model.js';
import type { WireItem } from '../../wire.js';
import type { EventTime } from '../dates/date-reader.js';
import type { Redactor } from '../redaction/redactor.js';
import type { RowError } from '../row-error.js';

type WritableItem = { -readonly [Name in keyof Item]: Item[Name] };

const UNDATED = { ms: undefined, flags: 0 } as const;

export class Emission {
  /** 0-based number of the next item of the record; rejected ones are counted, parts are not. */
  index = 0;
  key: string | undefined;
  /** Place of the template in the mapping's `items`. */
  template = 0;
  #out: MapOutput | undefined;
  #position: Position | undefined;
  #truncated = 0;
  readonly #redactor: Redactor | undefined;

  constructor(redactor?: Redactor) {
    this.#redactor = redactor;
  }

  begin(position: Position, out: MapOutput): void {
    this.#out = out;
    this.#position = position;
    this.index = 0;
    this.key = undefined;
    this.template = 0;
  }

  /** `part`: when the item is one of several made of one text that was too long. */
  emit(wire: WireItem, owner: string | undefined, time: EventTime | undefined, part?: Item['part']): void {
    if (this.#out === undefined || this.#position === undefined) return;
    const item: WritableItem = {
      wire,
      owner,
      position: this.#position,
      index: this.index,
      template: this.template,
      time: time === undefined ? UNDATED : { ms: time.ms, flags: time.flags },
    };
    if (this.key !== undefined) item.key = this.key;
    if (part !== undefined) item.part = part;
    this.#out.items.push(item);
  }

  /** Rejects the item that is being made, or the record when `isItem` is false. */
  reject(error: RowError, isItem: boolean): void {
    if (this.#out === undefined || this.#position === undefined) return;
    const rejection = {
      kind: 'rejected',
      stage: error.stage,
      code: error.code,
      // A few messages show a word of the row.
      message: this.#redactor === undefined ? error.message : this.#redactor.row(error.message, false),
      position: this.#position,
      ...(isItem ? { item: this.index } : {}),
      ...(error.field === undefined ? {} : { field: error.field }),
    } as const;
    this.#out.rejections.push(rejection);
  }

  noteTruncated(): void {
    this.#truncated += 1;
  }

  notices(): readonly CheckNotice[] {
    if (this.#truncated === 0) return [];
    const items = this.#truncated === 1 ? '1 item was' : `${this.#truncated} items were`;
    return [
      {
        level: 'warning',
        code: 'truncated',
        message: `${items} cut off at the limit of the service`,
        hint: 'oversize: split keeps all of the text',
      },
    ];
  }
}
