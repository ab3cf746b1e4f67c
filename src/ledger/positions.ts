/**
 * The positions of one chunk's items as a small blob: per item the differences to the item before, as variable-length integers. A row an
 * item in SQL would cost more than everything else done to it; a blob a chunk costs nothing and still tells, years later, which row of
 * which file an item came from.
 *
 * Layout per item: source index, ordinal, line, byteStart (each as a zigzag difference to the previous item), byte length, item index, part.
 */
export interface StoredPosition {
  /** Index of the source in the run's list of sources. */
  readonly source: number;
  readonly ordinal: number;
  readonly line: number;
  readonly byteStart: number;
  readonly byteEnd: number;
  readonly item: number;
  readonly part: number;
}

const FIELDS = 7;

/** Zigzag without bit operators, which would cut values at 32 bits: files are larger than that. */
function zigzag(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2;
}
function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

export function encodePositions(positions: Iterable<StoredPosition>, count: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(count * FIELDS * 8);
  let at = 0;
  const write = (value: number): void => {
    while (value >= 0x80) {
      bytes[at++] = (value % 0x80) | 0x80;
      value = Math.floor(value / 0x80);
    }
    bytes[at++] = value;
  };
  let source = 0;
  let ordinal = 0;
  let line = 0;
  let start = 0;
  for (const position of positions) {
    write(zigzag(position.source - source));
    write(zigzag(position.ordinal - ordinal));
    write(zigzag(position.line - line));
    write(zigzag(position.byteStart - start));
    write(position.byteEnd - position.byteStart);
    write(position.item);
    write(position.part);
    source = position.source;
    ordinal = position.ordinal;
    line = position.line;
    start = position.byteStart;
  }
  return Uint8Array.prototype.slice.call(bytes, 0, at);
}

export function* decodePositions(bytes: Uint8Array): Generator<StoredPosition> {
  let at = 0;
  const read = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError('a position blob ends too early');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  };
  let source = 0;
  let ordinal = 0;
  let line = 0;
  let byteStart = 0;
  while (at < bytes.length) {
    source += unzigzag(read());
    ordinal += unzigzag(read());
    line += unzigzag(read());
    byteStart += unzigzag(read());
    const byteEnd = byteStart + read();
    yield { source, ordinal, line, byteStart, byteEnd, item: read(), part: read() };
  }
}

const PACKED = 0;
const LISTED = 1;
const UUID_LENGTH = 36;
const DASH = 0x2d;
const DASHES = [8, 13, 18, 23];
/** Where the first digit of each of the sixteen bytes stands. */
const PAIRS = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const NO_DIGIT = 16;
/** The value of a character code as a hexadecimal digit in lower case. */
const DIGITS = new Uint8Array(128).fill(NO_DIGIT);
for (let value = 0; value < 16; value++) DIGITS[value.toString(16).charCodeAt(0)] = value;

/** The episode uuids of a chunk: sixteen bytes each, or a JSON list when the service gives something else (or none). */
export function encodeUuids(uuids: readonly (string | undefined)[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(1 + uuids.length * 16);
  bytes[0] = PACKED;
  let at = 1;
  for (const uuid of uuids) {
    if (uuid === undefined || !packUuid(uuid, bytes, at)) {
      return Buffer.concat([Buffer.from([LISTED]), Buffer.from(JSON.stringify(uuids.map((each) => each ?? null)))]);
    }
    at += PAIRS.length;
  }
  return bytes;
}

/** False when it is not written as uuids are, in lower case. Digit by digit: this is done to every item. */
function packUuid(uuid: string, bytes: Uint8Array, at: number): boolean {
  if (uuid.length !== UUID_LENGTH) return false;
  for (const dash of DASHES) if (uuid.charCodeAt(dash) !== DASH) return false;
  for (let i = 0; i < PAIRS.length; i++) {
    const pair = PAIRS[i] ?? 0;
    const high = DIGITS[uuid.charCodeAt(pair)] ?? NO_DIGIT;
    const low = DIGITS[uuid.charCodeAt(pair + 1)] ?? NO_DIGIT;
    if (high === NO_DIGIT || low === NO_DIGIT) return false;
    bytes[at + i] = (high << 4) | low;
  }
  return true;
}

export function decodeUuids(bytes: Uint8Array): readonly (string | undefined)[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (buffer[0] === LISTED) {
    return (JSON.parse(buffer.toString('utf8', 1)) as (string | null)[]).map((each) => each ?? undefined);
  }
  const uuids: string[] = [];
  for (let at = 1; at + 16 <= buffer.length; at += 16) {
    const hex = buffer.toString('hex', at, at + 16);
    uuids.push(`${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`);
  }
  return uuids;
}
