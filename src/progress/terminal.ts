/**
 * What the terminal and the environment allow: pure decisions about mode, colour, width and characters. FORCE_COLOR wins over NO_COLOR,
 * as in Node itself; a flag wins over both.
 */
export type ProgressMode = 'auto' | 'bar' | 'plain' | 'json' | 'none';
export type Environment = Readonly<Record<string, string | undefined>>;

export interface TerminalFacts {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

const DEFAULT_COLUMNS = 80;

/**
 * The mode that is really used. `bar` needs a terminal that can move its cursor; without one even an asked-for bar becomes plain lines,
 * since control codes in a log file help nobody. Quiet has nothing to draw: plain, which is silent then but for errors.
 */
export function chooseMode(
  asked: ProgressMode,
  terminal: TerminalFacts,
  env: Environment,
  quiet: boolean,
): Exclude<ProgressMode, 'auto'> {
  if (asked === 'json' || asked === 'none') return asked;
  if (quiet || asked === 'plain') return 'plain';
  if (terminal.isTTY !== true || env.TERM === 'dumb') return 'plain';
  return asked === 'auto' && isOn(env.CI) ? 'plain' : 'bar';
}

/** Whether colour may be used on this stream; `asked` is the flag, when there was one. */
export function chooseColor(asked: boolean | undefined, terminal: TerminalFacts, env: Environment): boolean {
  if (asked !== undefined) return asked;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR === '' || isOn(env.FORCE_COLOR);
  if (isSet(env.NO_COLOR) || env.TERM === 'dumb') return false;
  return terminal.isTTY === true;
}

/** Columns to lay out for: COLUMNS when given, but never more than the terminal has. 80 when nobody knows. */
export function chooseColumns(terminal: TerminalFacts, env: Environment): number {
  const given = Number(env.COLUMNS);
  const wanted = Number.isSafeInteger(given) && given > 0 ? given : undefined;
  const real = terminal.columns !== undefined && terminal.columns > 0 ? terminal.columns : undefined;
  if (wanted === undefined) return real ?? DEFAULT_COLUMNS;
  return real === undefined ? wanted : Math.min(wanted, real);
}

/** Columns for a result: those of the terminal, or as many as it needs where there is none (a pipe, a file) and COLUMNS is not given. */
export function chooseWidth(terminal: TerminalFacts, env: Environment): number | undefined {
  return terminal.isTTY === true || isSet(env.COLUMNS) ? chooseColumns(terminal, env) : undefined;
}

/** Whether box-drawing characters may be used: not where the locale names another encoding than UTF-8. */
export function chooseUnicode(env: Environment): boolean {
  const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find(isSet);
  return locale === undefined || /utf-?8/i.test(locale);
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

function isOn(value: string | undefined): boolean {
  return isSet(value) && value !== '0' && value.toLowerCase() !== 'false';
}
