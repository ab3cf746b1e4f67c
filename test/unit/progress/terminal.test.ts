import { describe, expect, test } from 'vitest';
import { chooseColor, chooseColumns, chooseMode, chooseUnicode } from '../../../src/progress/terminal.js';

const TTY = { isTTY: true, columns: 100 };
const PIPE = {};

describe('the mode', () => {
  test.each([
    ['a terminal gets the bar', 'auto', TTY, {}, false, 'bar'],
    ['a pipe gets lines', 'auto', PIPE, {}, false, 'plain'],
    ['CI gets lines even with a terminal', 'auto', TTY, { CI: 'true' }, false, 'plain'],
    ['CI=false is no CI', 'auto', TTY, { CI: 'false' }, false, 'bar'],
    ['a dumb terminal gets lines', 'auto', TTY, { TERM: 'dumb' }, false, 'plain'],
    ['a bar that was asked for is drawn in CI', 'bar', TTY, { CI: '1' }, false, 'bar'],
    ['a bar cannot be drawn into a file', 'bar', PIPE, {}, false, 'plain'],
    ['nor on a dumb terminal', 'bar', TTY, { TERM: 'dumb' }, false, 'plain'],
    ['quiet draws no bar', 'auto', TTY, {}, true, 'plain'],
    ['json stays json when quiet', 'json', TTY, {}, true, 'json'],
    ['none stays none', 'none', TTY, {}, false, 'none'],
  ] as const)('%s', (_, asked, terminal, env, quiet, mode) => {
    expect(chooseMode(asked, terminal, env, quiet)).toBe(mode);
  });
});

describe('colour', () => {
  test.each([
    ['on a terminal', undefined, TTY, {}, true],
    ['not into a pipe', undefined, PIPE, {}, false],
    ['not with NO_COLOR', undefined, TTY, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR is not set', undefined, TTY, { NO_COLOR: '' }, true],
    ['FORCE_COLOR forces it', undefined, PIPE, { FORCE_COLOR: '1' }, true],
    ['FORCE_COLOR wins over NO_COLOR, as in Node', undefined, PIPE, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    ['FORCE_COLOR=0 forbids it', undefined, TTY, { FORCE_COLOR: '0' }, false],
    ['not on a dumb terminal', undefined, TTY, { TERM: 'dumb' }, false],
    ['a flag wins over everything', false, TTY, { FORCE_COLOR: '1' }, false],
  ] as const)('%s', (_, asked, terminal, env, color) => {
    expect(chooseColor(asked, terminal, env)).toBe(color);
  });
});

describe('the width', () => {
  test.each([
    ['is the terminal’s', TTY, {}, 100],
    ['is narrowed by COLUMNS', TTY, { COLUMNS: '60' }, 60],
    ['is never more than the terminal has', TTY, { COLUMNS: '400' }, 100],
    ['is COLUMNS where nobody knows', { isTTY: true }, { COLUMNS: '120' }, 120],
    ['is 80 otherwise', { isTTY: true, columns: 0 }, { COLUMNS: 'wide' }, 80],
  ] as const)('%s', (_, terminal, env, columns) => {
    expect(chooseColumns(terminal, env)).toBe(columns);
  });
});

test.each([
  [{}, true],
  [{ LANG: 'en_US.UTF-8' }, true],
  [{ LANG: 'C' }, false],
  [{ LC_ALL: 'C.utf8', LANG: 'C' }, true],
  [{ LC_ALL: '', LC_CTYPE: 'de_DE.ISO-8859-1', LANG: 'de_DE.UTF-8' }, false],
] as const)('box-drawing characters with %j: %s', (env, unicode) => {
  expect(chooseUnicode(env)).toBe(unicode);
});
