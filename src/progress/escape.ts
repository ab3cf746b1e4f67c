/**
 * Makes outside words safe to show: file names, ids and the service's own messages may hold escape sequences, line breaks or
 * direction overrides that would move the cursor, forge a line or reverse what a person reads. Rule: no text from outside reaches an
 * output except through `printable` (for people) or `jsonLine` (for machines). CI systems read commands out of the output of a job: `::name ...::`
 * where a line begins (GitHub), `##[name ...]` and `##vso[...]` anywhere in it (GitHub, Azure, TeamCity). Those are broken in the same way.
 */

/** Controls (C0, DEL, C1), lone surrogates, line and paragraph separators, direction marks, invisible and tag characters. */
const UNSAFE =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** Most text is printable ASCII, and that is quickly seen. */
const NOT_PLAIN = /[^ -~]/;

/** Any outside text may stand where a line begins. */
const LEADING_COMMAND = /^(\s*):(?=:)/u;
const COMMAND_ANYWHERE = /##(?=\w*\[)/g;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function visible(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\u{${code.toString(16)}}`;
}

function jsonEscape(character: string): string {
  let out = '';
  for (let i = 0; i < character.length; i++) out += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
  return out;
}

/** At most `maxLength` UTF-16 units, ending in `…` when something was cut; never half a surrogate pair. */
export function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const last = text.charCodeAt(maxLength - 2);
  const end = last >= 0xd800 && last <= 0xdbff ? maxLength - 2 : maxLength - 1;
  return `${text.slice(0, Math.max(0, end))}…`;
}

/** Outside text as one harmless line: unsafe characters become visible escapes (`\n`, `\x1b`, `\u202e`). */
export function printable(text: string, maxLength = 1000): string {
  const short = cut(text, maxLength);
  const shown = NOT_PLAIN.test(short) ? short.replace(UNSAFE, visible) : short;
  return shown.replace(LEADING_COMMAND, '$1\\x3a').replace(COMMAND_ANYWHERE, '#\\x23');
}

/**
 * One JSON value as one line with its line end. Unsafe characters inside strings are written as \\u escapes, so the value is unchanged
 * for a reader and harmless on a terminal.
 */
export function jsonLine(value: unknown): string {
  return `${harmlessJson(JSON.stringify(value))}\n`;
}

/** The same over several lines, for people. */
export function jsonLines(value: unknown): string {
  const lines = JSON.stringify(value, null, 2).split('\n');
  return `${lines.map(harmlessJson).join('\n')}\n`;
}

function harmlessJson(line: string): string {
  const shown = NOT_PLAIN.test(line) ? line.replace(UNSAFE, jsonEscape) : line;
  return shown.replace(COMMAND_ANYWHERE, '#\\u0023');
}
