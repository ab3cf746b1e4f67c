/**
 * Regular expressions in an engine whose time grows with the text and never faster (RE2): no pattern can hang a run. Patterns that are
 * written in the mapping are compiled when it is loaded; calculated ones are compiled once and remembered.
 */
import { RE2JS, RE2JSException } from 're2js';

const MAX_PATTERN_CHARACTERS = 1000;
const REMEMBERED = 200;
const compiled = new Map<string, RE2JS | string>();

/** The compiled pattern, or a sentence that says what is wrong with it. */
export function compilePattern(pattern: string): RE2JS | string {
  let regex = compiled.get(pattern);
  if (regex === undefined) {
    regex = compileNew(pattern);
    if (compiled.size >= REMEMBERED) compiled.clear();
    compiled.set(pattern, regex);
  }
  return regex;
}

function compileNew(pattern: string): RE2JS | string {
  if (pattern.length > MAX_PATTERN_CHARACTERS) return 'the pattern is too long';
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    // The engine repeats the pattern, which may come from a row.
    const reason = error.message.replace(/^error parsing regexp: /, '').replace(/: `.*$/s, '');
    const lookaround = /\(\?(?:[=!]|<[=!])/.test(pattern) ? ' (look-around is not supported)' : '';
    return `the pattern is no regular expression: ${reason}${lookaround}`;
  }
}

/** Steps that matching a text of so many characters may cost. */
export function stepsOfMatch(regex: RE2JS, characters: number): number {
  return ((characters * Math.min(regex.programSize(), 1000)) >> 6) + 1;
}
