/** What reading a date gives: a moment, or why there is none. Shared by all formats. */

/** A local time without a zone of its own (`wallMs`, as if it were UTC), or a moment (`ms`). */
export type ReadDate =
  | { readonly kind: 'moment'; readonly ms: number; readonly text: string | undefined }
  | { readonly kind: 'local'; readonly wallMs: number };

/** `format`: it does not look like the format; `impossible`: it does, but there is no such day or time. */
export type DateProblem = 'format' | 'impossible';

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** Whether there is such a day and time. Month 1–12; a leap second (`:60`) is none, since moments have no place for it. */
export function isPossible(year: number, month: number, day: number, hour: number, minute: number, second: number) {
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59) return false;
  const days = DAYS[month - 1] ?? 0;
  if (day <= days) return true;
  return month === 2 && day === 29 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** Moments of the years 0 to 9999, the ones RFC 3339 can write. */
export function isInRange(ms: number): boolean {
  return ms >= -62_167_219_200_000 && ms <= 253_402_300_799_999;
}
