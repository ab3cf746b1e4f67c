/** Dates that documents carry, as RFC 3339; undefined when a text is none. A date without a zone is taken for UTC. */

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?)?\s*(Z|[+-]\d\d:?\d\d)?$/i;
const PDF = /^(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(Z|[+-]\d\d)?(?:'?(\d\d)'?)?/;

/** `2024-05-01`, `2024-05-01 10:00`, with or without a zone. */
export function isoDate(value: unknown): string | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
  const match = typeof value === 'string' ? ISO.exec(value.trim()) : null;
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, zone] = match;
  return rfc3339([year, month, day, hour, minute, second], zone);
}

/** `D:20240501103000+02'00'`, of a PDF. */
export function pdfDate(value: unknown): string | undefined {
  const match = typeof value === 'string' ? PDF.exec(value.trim()) : null;
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, sign, offset] = match;
  const zone = sign === undefined || sign === 'Z' ? 'Z' : `${sign}:${offset ?? '00'}`;
  return rfc3339([year, month, day, hour, minute, second], zone);
}

function rfc3339(parts: readonly (string | undefined)[], zone: string | undefined): string | undefined {
  const [year = '', month = '01', day = '01', hour = '00', minute = '00', second = '00'] = parts;
  const offset = zone === undefined || /^z$/i.test(zone) ? 'Z' : zone.replace(/^(...):?(..)$/, '$1:$2');
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`;
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return undefined;
  // JavaScript takes 31 February for 2 March.
  const local = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return local.getUTCDate() === Number(day) ? text : undefined;
}
