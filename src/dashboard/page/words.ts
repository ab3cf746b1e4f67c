/** Numbers and times for people. English, whatever the machine's locale; times of day in the zone of whoever looks. */
const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });
const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const FULL = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' });

export function count(value: number | undefined): string {
  return value === undefined ? '–' : WHOLE.format(value);
}

export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Rounded down: 100% is said only when nothing is missing. */
export function percent(part: number, whole: number): string {
  if (whole <= 0) return '0%';
  return `${Math.floor(Math.min(1, Math.max(0, part / whole)) * 100)}%`;
}

export function rate(perSecond: number | undefined): string {
  if (perSecond === undefined) return '–';
  if (perSecond >= 10 || perSecond <= 0) return `${WHOLE.format(Math.max(0, perSecond))}/s`;
  return perSecond >= 0.1 ? `${TENTHS.format(perSecond)}/s` : `${TENTHS.format(perSecond * 60)}/min`;
}

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let scaled = value;
  let unit = 0;
  while (scaled >= 1000 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  return `${(unit === 0 ? WHOLE : TENTHS).format(scaled)} ${units[unit] ?? ''}`;
}

export function span(ms: number): string {
  if (ms > 0 && ms < 9_950) return `${TENTHS.format(ms / 1000)} s`;
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return two(minutes, 'min', seconds % 60, 's');
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? two(hours, 'h', minutes % 60, 'min') : two(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** `12 s ago`, `3 h ago`, `4 Nov`. */
export function ago(iso: string | undefined, now: number): string {
  const ms = Date.parse(iso ?? '');
  if (Number.isNaN(ms)) return '';
  const seconds = Math.round((now - ms) / 1000);
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${Math.floor(seconds / 10) * 10} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  if (seconds < 14 * 86_400) return `${Math.floor(seconds / 86_400)} d ago`;
  return DAY.format(ms);
}

export function clock(iso: string | number): string {
  const ms = typeof iso === 'number' ? iso : Date.parse(iso);
  return Number.isNaN(ms) ? '' : CLOCK.format(ms);
}

export function fullTime(iso: string | undefined): string {
  const ms = Date.parse(iso ?? '');
  return Number.isNaN(ms) ? '' : FULL.format(ms);
}

/** The beginning of an id: enough to tell it from its neighbours. */
export function shortId(id: string): string {
  return /^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(id) ? id.slice(0, 8) : id;
}
