/**
 * Event times as the service reads them: RFC 3339 with a time and an offset, `2024-06-15T10:30:00Z` or `...+02:00`. A date alone, a time
 * without an offset, a leap second or a day that does not exist is refused. Written by character codes: it runs once an item.
 */
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function two(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

function daysIn(year: number, month: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 && leap ? 29 : (DAYS[month - 1] ?? 0);
}

function isOffset(text: string, at: number): boolean {
  const sign = text[at];
  if (sign === 'Z') return text.length === at + 1;
  if ((sign !== '+' && sign !== '-') || text.length !== at + 6 || text[at + 3] !== ':') return false;
  const hours = two(text, at + 1);
  const minutes = two(text, at + 4);
  return hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60;
}

export function isRfc3339(text: string): boolean {
  if (text.length < 20 || text[4] !== '-' || text[7] !== '-' || text[10] !== 'T') return false;
  if (text[13] !== ':' || text[16] !== ':') return false;
  const century = two(text, 0);
  const rest = two(text, 2);
  if (century < 0 || rest < 0) return false;
  const month = two(text, 5);
  const day = two(text, 8);
  if (month < 1 || month > 12 || day < 1 || day > daysIn(century * 100 + rest, month)) return false;
  const hour = two(text, 11);
  const minute = two(text, 14);
  const second = two(text, 17);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
  let at = 19;
  if (text[at] === '.') {
    const start = ++at;
    while (at < text.length && text.charCodeAt(at) >= 48 && text.charCodeAt(at) <= 57) at++;
    if (at === start) return false;
  }
  return isOffset(text, at);
}
