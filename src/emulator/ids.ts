/**
 * Identities of items, computed instead of stored: the uuid of an episode holds the number of its chunk (one add call) and its index in
 * it, so five million items need no row and no index entry each, and an episode is found by arithmetic. The rest of the uuid is a salt
 * born with the data file, so that two files never speak of the same episode. Such uuids sort in the order in which items were added.
 */
const EPISODE = /^([0-9a-f]{8})-([0-9a-f]{4})-4([0-9a-f]{3})-8([0-9a-f]{3})-([0-9a-f]{2})([0-9a-f]{6})([0-9a-f]{4})$/;

/** More items than one chunk can hold an index for. */
export const MAX_CHUNK_ITEMS = 0xffff;

const hexIndex: string[] = [];
function hex4(index: number): string {
  for (let next = hexIndex.length; next <= index; next++) hexIndex.push(next.toString(16).padStart(4, '0'));
  return hexIndex[index] ?? '';
}

/** The uuid of item `index` is `prefix + hex4(index)`: what the add call builds 500 times a request. */
export interface ChunkIds {
  readonly episode: (index: number) => string;
  readonly item: (index: number) => string;
}

export interface ItemIds {
  readonly ofChunk: (chunk: number) => ChunkIds;
  /** Where an episode uuid points to, or undefined when it is not of this data file. */
  readonly locate: (uuid: string) => { readonly chunk: number; readonly index: number } | undefined;
}

/** `salt` is 14 hexadecimal digits. */
export function itemIds(salt: string): ItemIds {
  return {
    ofChunk(chunk) {
      const digits = chunk.toString(16).padStart(12, '0');
      const head = `${salt.slice(0, 8)}-${digits.slice(0, 4)}-4${digits.slice(4, 7)}-`;
      const tail = `${digits.slice(7, 10)}-${digits.slice(10)}${salt.slice(8)}`;
      const episodePrefix = `${head}8${tail}`;
      const itemPrefix = `${head}9${tail}`;
      return { episode: (index) => episodePrefix + hex4(index), item: (index) => itemPrefix + hex4(index) };
    },
    locate(uuid) {
      const match = EPISODE.exec(uuid.toLowerCase());
      if (match === null) return undefined;
      const [, salt1, c1 = '', c2 = '', c3 = '', c4 = '', salt2, index = ''] = match;
      if (`${salt1}${salt2}` !== salt) return undefined;
      return { chunk: parseInt(c1 + c2 + c3 + c4, 16), index: parseInt(index, 16) };
    },
  };
}
