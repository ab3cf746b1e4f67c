/** Paths such as `customer.id` or `turns[0].text`: taking their text apart, and reading what they lead to. Inherited names lead nowhere. */

/** `isDotted`: written `.name`; a name in brackets is always a column. */
export interface Segment {
  readonly key: string | number;
  readonly isDotted: boolean;
}

/** Names that objects or lists inherit: only these need the slower question whether the value has them itself. */
const INHERITED = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  ...Object.getOwnPropertyNames(Array.prototype),
]);

/** A member of an object or an element of a list; undefined when there is none. */
export function memberOf(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (typeof key === 'number') {
    return Array.isArray(value) ? (value as readonly unknown[])[key] : ownMember(value, String(key));
  }
  return Array.isArray(value) ? undefined : ownMember(value, key);
}

function ownMember(value: object, key: string): unknown {
  if (INHERITED.has(key) && !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

/** A reader of one fixed member; undefined when there is none. */
function memberReader(key: string | number): (value: unknown) => unknown {
  if (typeof key === 'number' || INHERITED.has(key)) return (value) => memberOf(value, key);
  return (value) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined);
}

/** A reader of a path below a value; undefined when any step is missing. */
export function pathReader(keys: readonly (string | number)[]): (value: unknown) => unknown {
  const readers = keys.map(memberReader);
  const [first, second] = readers;
  if (first === undefined) return (value) => value;
  if (second === undefined) return first;
  if (readers.length === 2) return (value) => second(first(value));
  return (value) => {
    for (const read of readers) {
      value = read(value);
      if (value === undefined) return undefined;
    }
    return value;
  };
}

const SIMPLE_PATH =
  /^(?!(?:true|false|null)$)[\p{ID_Start}_$][\p{ID_Continue}$]*(?:\.[\p{ID_Start}_$][\p{ID_Continue}$]*|\[(?:\d{1,9}|"[^"\\]*"|'[^'\\]*')\])*$/u;
const STEP = /^\.?([^.[\]]+)|^\[(?:(\d{1,9})|"([^"]*)"|'([^']*)')\]/u;

/** The steps of a text that is nothing but a plain path such as `customer.id` or `turns[0].text`; undefined for any other text. */
export function plainPath(text: string): readonly Segment[] | undefined {
  return SIMPLE_PATH.test(text) ? lenientPath(text) : undefined;
}

/** The steps of a path in which any name may stand, as in `from: Ticket Id`; undefined when brackets or dots do not fit. */
export function lenientPath(text: string): readonly Segment[] | undefined {
  const segments: Segment[] = [];
  let rest = text;
  while (rest !== '') {
    const match = STEP.exec(rest);
    if (match === null) return undefined;
    const [step, name, index, double, single] = match;
    if (name !== undefined && segments.length > 0 !== step.startsWith('.')) return undefined;
    if (index !== undefined) segments.push({ key: Number(index), isDotted: false });
    else segments.push({ key: name ?? double ?? single ?? '', isDotted: name !== undefined });
    rest = rest.slice(step.length);
  }
  return segments.length === 0 ? undefined : segments;
}
