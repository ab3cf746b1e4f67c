import fc from 'fast-check';
import { DateTime } from 'luxon';
import { describe, expect, test } from 'vitest';
import { rfc3339Ms } from '../../../src/mapping/dates/iso.js';
import { compileTokens } from '../../../src/mapping/dates/tokens.js';
import { utcMs, zoneNamed } from '../../../src/mapping/dates/zone.js';
import { TIME_DST, TIME_NAIVE } from '../../../src/model.js';
import { mapRows, message, sourceNamed } from './map-rows.js';

/** created_at of one row, or the reason why there is none. */
function dated(created: string, at: unknown): string | undefined {
  const { items, rejections } = mapRows(message('x', `created_at: ${created}`), [{ at }]);
  return rejections[0] === undefined ? items[0]?.wire.created_at : `${rejections[0].code}: ${rejections[0].message}`;
}

describe('dates are sent as RFC 3339 with an offset', () => {
  test.each([
    ['"{{ at }}"', '2024-06-15T10:30:00Z', '2024-06-15T10:30:00Z'],
    ['"{{ at }}"', '2024-06-15T10:30:00.123456789+02:00', '2024-06-15T10:30:00.123456789+02:00'],
    ['"{{ at }}"', '2024-06-15t10:30:00z', '2024-06-15T10:30:00Z'],
    ['"{{ at }}"', '2024-06-15 10:30:00+0200', '2024-06-15T08:30:00Z'],
    ['"{{ at }}"', '2024-06-15 10:30:00 +0200', '2024-06-15T08:30:00Z'],
    ['"{{ at }}"', '2024-06-15T10:30+02', '2024-06-15T08:30:00Z'],
    ['"{{ at }}"', '2024-06-15T10:30:00,5Z', '2024-06-15T10:30:00.500Z'],
    ['"{{ at }}"', '20240615T103000Z', '2024-06-15T10:30:00Z'],
    ['"{{ at }}"', '  2024-06-15T10:30:00Z ', '2024-06-15T10:30:00Z'],
    ['"{{ at }}"', '2024-02-29T23:59:59-11:30', '2024-02-29T23:59:59-11:30'],
    ['"{{ at }}"', '0000-01-01T00:00:00Z', '0000-01-01T00:00:00Z'],
    ['{ from: at, zone: Europe/Lisbon }', '2024-06-15T10:30:00', '2024-06-15T09:30:00Z'],
    ['{ from: at, zone: Europe/Lisbon }', '2024-06-15T10:30:00Z', '2024-06-15T10:30:00Z'],
    ['{ from: at, zone: America/New_York }', '2024-01-15', '2024-01-15T05:00:00Z'],
    ['{ from: at, zone: "+05:30" }', '2024-01-15 05:30', '2024-01-15T00:00:00Z'],
    ['{ from: at, zone: UTC }', '2024-01-15T05:30', '2024-01-15T05:30:00Z'],
    ['{ from: at, format: "dd/MM/yyyy HH:mm", zone: Europe/Lisbon }', '15/06/2024 10:30', '2024-06-15T09:30:00Z'],
    ['{ from: at, format: "d MMM yyyy, h:mm a", zone: UTC }', '5 jun 2024, 12:30 AM', '2024-06-05T00:30:00Z'],
    [`{ from: at, format: "h:mm a 'on' d MMMM, yyyy", zone: UTC }`, '1:56 pm on 8 May, 2023', '2023-05-08T13:56:00Z'],
    ['{ from: at, format: "EEE MMM d HH:mm:ss yyyy", zone: UTC }', 'Wed May  8 13:56:00 2024', undefined],
    ['{ from: at, format: "EEE MMM d HH:mm:ss yyyy", zone: UTC }', 'Wed May 8 13:56:00 2024', '2024-05-08T13:56:00Z'],
    ['{ from: at, format: "EEE MMM dd HH:mm:ss ZZZ yyyy" }', 'Wed Oct 10 20:19:24 +0000 2018', '2018-10-10T20:19:24Z'],
    ['{ from: at, format: "yyyy-MM-dd HH:mm:ss z" }', '2024-06-15 10:30:00 Europe/Lisbon', '2024-06-15T09:30:00Z'],
    ['{ from: at, format: "dd.MM.yy", zone: UTC }', '15.06.24', '2024-06-15T00:00:00Z'],
    ['{ from: at, format: "yyyyMMdd", zone: UTC }', 20240615, '2024-06-15T00:00:00Z'],
    ['{ from: at, format: rfc2822 }', 'Fri, 21 Nov 1997 09:55:06 -0600', '1997-11-21T15:55:06Z'],
    ['{ from: at, format: rfc2822 }', '21 Nov 97 09:55 EST (comment)', '1997-11-21T14:55:00Z'],
    ['{ from: at, format: rfc2822 }', 'Sunday, 06-Nov-94 08:49:37 GMT', '1994-11-06T08:49:37Z'],
    ['{ from: at, format: epoch_s }', 1_700_000_000, '2023-11-14T22:13:20Z'],
    ['{ from: at, format: epoch_s }', '1700000000.123456', '2023-11-14T22:13:20.123Z'],
    ['{ from: at, format: epoch_s }', -1, '1969-12-31T23:59:59Z'],
    ['{ from: at, format: epoch_ms }', '1700000000123', '2023-11-14T22:13:20.123Z'],
    ['{ from: at, format: [iso, "dd/MM/yyyy"], zone: UTC }', '15/06/2024', '2024-06-15T00:00:00Z'],
    ['{ from: at, format: [iso, epoch_s], zone: UTC }', 1_700_000_000, '2023-11-14T22:13:20Z'],
    ['{ from: at, format: ["dd/MM/yyyy", "MM/dd/yyyy"], zone: UTC }', '06/15/2024', '2024-06-15T00:00:00Z'],
    [`{ expr: 'timestamp(at, "epoch_ms")' }`, 1_700_000_000_000, '2023-11-14T22:13:20Z'],
    ['{ from: at, default: "2000-01-01T00:00:00Z" }', null, '2000-01-01T00:00:00Z'],
    ['{ from: at, default: "2000-01-01T00:00:00Z" }', '', '2000-01-01T00:00:00Z'],
    ['"{{ at }}"', null, undefined],
    ['"{{ at }}"', ' ', undefined],
    ['"2024-05-06T07:08:09Z"', null, '2024-05-06T07:08:09Z'],
  ])('%s of %j is %s', (created, at, expected) => {
    if (expected === undefined && typeof at === 'string' && at.trim() !== '') {
      expect(dated(created, at)).toContain('date-format');
    } else expect(dated(created, at)).toBe(expected);
  });

  test.each([
    [
      '"{{ at }}"',
      '2024-06-15T10:30:00',
      'date-without-zone: created_at: at says no time zone: add one, e.g. zone: Europe/Lisbon',
    ],
    ['"{{ at }}"', '2024-06-15', 'date-without-zone'],
    [
      '"{{ at }}"',
      '2024-02-30T00:00:00Z',
      'date-impossible: created_at: at has the form of iso, but there is no such day or time',
    ],
    ['"{{ at }}"', '2023-02-29T00:00:00Z', 'date-impossible'],
    ['"{{ at }}"', '1900-02-29T00:00:00Z', 'date-impossible'],
    ['"{{ at }}"', '2024-06-15T24:00:00Z', 'date-impossible'],
    ['"{{ at }}"', '2024-06-15T23:59:60Z', 'date-impossible'],
    ['"{{ at }}"', '2024-13-01T00:00:00Z', 'date-impossible'],
    ['"{{ at }}"', '2024-06-15T10:30:00+25:00', 'date-impossible'],
    ['"{{ at }}"', '1', 'date-format: created_at: at does not look like iso: name its format with format:'],
    ['"{{ at }}"', 'May 2024', 'date-format'],
    ['"{{ at }}"', '٢٠٢٤-06-15T10:30:00Z', 'date-format'],
    [
      '"{{ at }}"',
      1_700_000_000,
      'is a number: say what it counts with format: epoch_s (seconds) or epoch_ms (milliseconds)',
    ],
    ['"{{ at }}"', ['2024'], 'date-format: created_at: at is a list, not a date'],
    ['"{{ at }}"', true, 'at is a boolean, not a date'],
    ['{ from: at, format: "dd/MM/yyyy", zone: UTC }', '30/02/2024', 'date-impossible'],
    ['{ from: at, format: "dd/MM/yyyy", zone: UTC }', '1/6/2024', 'date-format'],
    ['{ from: at, format: "dd/MM/yyyy" }', '01/06/2024', 'date-without-zone'],
    ['{ from: at, format: rfc2822 }', '31 Jun 1997 09:55:06 -0600', 'date-impossible'],
    ['{ from: at, format: rfc2822 }', '21 Nov 1997 09:55:06 XYZ', 'date-format'],
    ['{ from: at, format: rfc2822 }', '21 Nov 1997 09:55:06', 'date-without-zone'],
    ['{ from: at, format: epoch_s }', 1_700_000_000_000, 'it looks like format: epoch_ms'],
    ['{ from: at, format: epoch_s }', 'soon', 'date-format'],
    ['{ from: at, format: epoch_ms }', 1e30, 'too large'],
    ['{ from: at, required: true }', null, 'missing-field: created_at is missing: there is no at'],
  ])('%s of %j is refused: %s', (created, at, expected) => {
    expect(dated(created, at)).toContain(expected);
  });

  test('any time written as RFC 3339 is passed on as it stands, and its moment is known to the millisecond', () => {
    const ms = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 });
    fc.assert(
      fc.property(ms, (value) => {
        const text = new Date(value).toISOString();
        expect(rfc3339Ms(text)).toBe(value);
        expect(dated('"{{ at }}"', text)).toBe(text);
      }),
    );
  });

  test('no text at all makes the date reader fail otherwise than by a rejection', () => {
    const like = fc.stringMatching(/^[0-9TZ:+. -]{0,30}$/);
    fc.assert(
      fc.property(fc.oneof(fc.string(), like), (text) => {
        const { fates } = mapRows(
          message('x', 'created_at: { from: at, format: [iso, rfc2822, epoch_s, "d/M/yyyy H:mm"] }'),
          [{ at: text }],
        );
        expect(['mapped', 'rejected']).toContain(fates[0]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('zones', () => {
  test('a time that daylight saving skips or doubles takes the earlier offset and is marked', () => {
    const time = (zone: string, at: string) => {
      const [item] = mapRows(message('x', `created_at: { from: at, zone: ${zone} }`), [{ at }]).items;
      return [item?.wire.created_at, item?.time.flags];
    };
    expect(time('Europe/Berlin', '2024-03-31T02:30:00')).toEqual(['2024-03-31T01:30:00Z', TIME_NAIVE | TIME_DST]);
    expect(time('Europe/Berlin', '2024-10-27T02:30:00')).toEqual(['2024-10-27T00:30:00Z', TIME_NAIVE | TIME_DST]);
    expect(time('Europe/Berlin', '2024-10-27T01:59:59')).toEqual(['2024-10-26T23:59:59Z', TIME_NAIVE]);
    expect(time('Europe/Berlin', '2024-10-27T03:00:00')).toEqual(['2024-10-27T02:00:00Z', TIME_NAIVE]);
    expect(time('America/New_York', '2024-03-10T02:00:00')).toEqual(['2024-03-10T07:00:00Z', TIME_NAIVE | TIME_DST]);
    expect(time('America/New_York', '2024-11-03T01:00:00')).toEqual(['2024-11-03T05:00:00Z', TIME_NAIVE | TIME_DST]);
    expect(time('Australia/Lord_Howe', '2024-04-07T01:45:00')).toEqual(['2024-04-06T14:45:00Z', TIME_NAIVE | TIME_DST]);
    expect(time('Pacific/Apia', '2011-12-30T12:00:00')).toEqual(['2011-12-30T22:00:00Z', TIME_NAIVE | TIME_DST]);
    expect(time('Asia/Kolkata', '2024-04-07T01:45:00')).toEqual(['2024-04-06T20:15:00Z', TIME_NAIVE]);
    expect(time('UTC', '2024-04-07T01:45:00Z')).toEqual(['2024-04-07T01:45:00Z', 0]);
  });

  test.each([
    'America/New_York',
    'Europe/Berlin',
    'Australia/Lord_Howe',
    'Asia/Kolkata',
    'Africa/Casablanca',
    'America/Sao_Paulo',
  ])('every half hour of two years in %s that exists once is the moment whose local time it is', (name) => {
    const zone = zoneNamed(name);
    expect(zone).toBeDefined();
    if (zone === undefined) return;
    const format = new Intl.DateTimeFormat('en-CA', {
      timeZone: name,
      dateStyle: 'short',
      timeStyle: 'medium',
      hourCycle: 'h23',
    });
    let doubtful = 0;
    for (let wall = Date.UTC(2023, 0, 1); wall < Date.UTC(2025, 0, 1); wall += 1_800_000) {
      const { ms, isDoubtful } = zone.momentOf(wall);
      if (isDoubtful) doubtful += 1;
      else if (zone.wallOf(ms) !== wall) expect(zone.wallOf(ms)).toBe(wall);
      if (wall % 86_400_000 === 3_600_000 && !isDoubtful) {
        const local = new Date(wall).toISOString().slice(0, 19).replace('T', ', ');
        expect(format.format(ms)).toBe(local);
      }
    }
    expect(doubtful).toBeLessThanOrEqual(16);
  });

  test('moments of past centuries keep the offsets of their time', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: Date.UTC(1850, 0, 1), max: Date.UTC(2037, 0, 1) }),
        fc.constantFrom('Europe/Amsterdam', 'America/New_York', 'Asia/Tokyo', 'Europe/London'),
        (wall, name) => {
          const second = Math.floor(wall / 1000) * 1000;
          const moment = zoneNamed(name)?.momentOf(second);
          const text = new Date(second).toISOString().slice(0, 19);
          const luxon = DateTime.fromISO(text, { zone: name });
          if (moment?.isDoubtful === false) expect(moment.ms).toBe(luxon.toMillis());
        },
      ),
      { numRuns: 400 },
    );
  });

  test('the calendar of every day of ten thousand years is that of the platform', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 9999 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 28 }),
        (y, m, d) => {
          expect(utcMs(y, m, d, 1, 2, 3, 4)).toBe(Date.UTC(y, m - 1, d, 1, 2, 3, 4));
        },
      ),
    );
    expect(new Date(utcMs(1, 2, 28, 0, 0, 0, 0)).toISOString()).toBe('0001-02-28T00:00:00.000Z');
    expect(new Date(utcMs(0, 2, 29, 0, 0, 0, 0)).toISOString()).toBe('0000-02-29T00:00:00.000Z');
  });
});

describe('formats of tokens', () => {
  const FORMATS = [
    'dd/MM/yyyy HH:mm',
    'M/d/yyyy h:mm a',
    'yyyy-MM-dd HH:mm:ss.SSS',
    'd MMMM, yyyy',
    'MMM d, yyyy hh:mm:ss a',
    "h:mm a 'on' d MMMM, yyyy",
    'dd.MM.yy',
    'yyyyMMddHHmmss',
    'yyyy-MM-dd HH:mm ZZ',
    'dd-MMM-yyyy HH:mm:ss ZZZ',
    'yyyy',
  ];

  test.each(FORMATS)('%s reads every text as Luxon does', (format) => {
    const compiled = compileTokens(format);
    expect(compiled).toHaveProperty('read');
    if (!('read' in compiled)) return;
    const written = fc
      .date({ min: new Date('1961-01-01'), max: new Date('2060-12-31'), noInvalidDate: true })
      .map((date) => {
        return DateTime.fromJSDate(date, { zone: 'utc' }).toFormat(format, { locale: 'en-US' });
      });
    const near = fc.stringMatching(/^[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2,4} [0-9]{1,2}:[0-9]{2} (AM|pm)?$/);
    fc.assert(
      fc.property(
        fc.oneof(
          written,
          near,
          written.map((text) => text.toUpperCase()),
          written.map((text) => text.replace(/\d/, '9')),
        ),
        (text) => {
          const luxon = DateTime.fromFormat(text, format, { zone: 'utc', locale: 'en-US' });
          const read = compiled.read(text);
          const ms = typeof read === 'string' ? undefined : read.kind === 'moment' ? read.ms : read.wallMs;
          expect(ms).toBe(luxon.isValid ? luxon.toMillis() : undefined);
        },
      ),
      { numRuns: 300 },
    );
  });
});

test('what a text of a CSV and a text of JSON say is the same', () => {
  const mapping = message('x', 'created_at: { from: at, format: epoch_s }');
  const source = sourceNamed('a.csv', 'csv');
  expect(mapRows(mapping, [{ at: '1700000000' }], { source }).items[0]?.wire.created_at).toBe('2023-11-14T22:13:20Z');
});
