/**
 * Numbers for people, in English whatever the machine's locale. Every function takes any number, also NaN and infinities, because a
 * display must not fail where a measurement did.
 */
const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });
const UNKNOWN = '?';

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `1234567` -> `1,234,567`. */
export function count(value: number): string {
  return Number.isFinite(value) ? WHOLE.format(value) : UNKNOWN;
}

/** `1 row`, `2 rows`; the plural may be given where it is not made by adding s. */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}

/** Powers of 1000, one decimal from kB on: `2.6 GB`. */
export function bytes(value: number): string {
  if (!Number.isFinite(value)) return UNKNOWN;
  let scaled = Math.abs(value);
  let unit = 0;
  while (unit < BYTE_UNITS.length - 1 && scaled >= (unit === 0 ? 1000 : 999.95)) {
    scaled /= 1000;
    unit++;
  }
  return `${value < 0 ? '-' : ''}${(unit === 0 ? WHOLE : TENTHS).format(scaled)} ${BYTE_UNITS[unit] ?? 'PB'}`;
}

/** The two largest units: `850 ms`, `14 s`, `2 min 10 s`, `1 h 5 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return UNKNOWN;
  const whole = Math.max(0, ms);
  if (whole < 950) return `${Math.round(whole)} ms`;
  if (whole < 9_950) return `${TENTHS.format(whole / 1000)} s`;
  return seconds(whole / 1000);
}

/** As `duration`, in whole seconds: for countdowns and estimates, which should not flicker. */
export function seconds(value: number): string {
  if (!Number.isFinite(value)) return UNKNOWN;
  const total = Math.max(0, Math.round(value));
  if (total < 60) return `${total} s`;
  if (total < 3570) return twoUnits(total, 60, 'min', 's');
  const minutes = Math.round(total / 60);
  if (minutes < 24 * 60) return twoUnits(minutes, 60, 'h', 'min');
  return twoUnits(Math.round(minutes / 60), 24, 'd', 'h');
}

function twoUnits(total: number, size: number, large: string, small: string): string {
  const rest = total % size;
  const head = `${WHOLE.format(Math.floor(total / size))} ${large}`;
  return rest === 0 ? head : `${head} ${rest} ${small}`;
}

/** `12,345/s`; slow rates keep a decimal or are told by the minute: `0.8/s`, `3/min`. */
export function rate(perSecond: number): string {
  if (!Number.isFinite(perSecond)) return UNKNOWN;
  if (perSecond >= 10) return `${WHOLE.format(perSecond)}/s`;
  if (perSecond >= 0.1 || perSecond <= 0) return `${TENTHS.format(Math.max(0, perSecond))}/s`;
  return `${TENTHS.format(perSecond * 60)}/min`;
}

/** A share of 0..1 as whole percent, rounded down: `100%` is said only when nothing is missing. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return UNKNOWN;
  return `${Math.floor(Math.min(1, Math.max(0, share)) * 100)}%`;
}
