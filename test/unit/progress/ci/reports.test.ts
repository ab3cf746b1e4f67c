/** Reports for CI systems hold what went wrong, stay small, and cannot be broken by what rows or the service say. */
import fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { describe, expect, test } from 'vitest';
import type { RunEvent, RunSummary } from '../../../../src/events.js';
import { annotationLines } from '../../../../src/progress/ci/annotations.js';
import { createCiRecorder, type CiRecord } from '../../../../src/progress/ci/ci-record.js';
import { jobSummary } from '../../../../src/progress/ci/job-summary.js';
import { junitXml } from '../../../../src/progress/ci/junit.js';
import { block, cell, code } from '../../../../src/progress/ci/markdown.js';
import { commandsIn } from '../../../support/runner-commands.js';
import { counts, exitError, HOSTILE, itemFailed, position, rejected, started, summary } from '../samples.js';

const AT = '2024-05-01T12:00:00.000Z';

function recordOf(...events: RunEvent[]): CiRecord {
  const recorder = createCiRecorder();
  for (const event of events) recorder.observe(event);
  return recorder.record();
}

const ended = (over: Partial<RunSummary> = {}): RunEvent => ({ type: 'summary', summary: summary(over) });

function fileRow(line: number, message = 'no content'): RunEvent {
  const at = position(line, 'data/tickets.csv');
  const file = { path: '/w/data/tickets.csv', modifiedMs: 0, inode: 1 };
  return rejected(message, { position: { ...at, source: { ...at.source, file } } });
}

const inWorkspace = (file: string): string => file.replace(/^\/w\//, '');

interface Parsed {
  readonly cases: { readonly name: string; readonly verdicts: string[]; text: string }[];
  readonly suites: Record<string, string>[];
}

/** Throws for whatever is no well-formed XML 1.0, forbidden characters included. */
function parsed(xml: string): Parsed {
  const out: Parsed = { cases: [], suites: [] };
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    if (name === 'testsuite') out.suites.push(attributes);
    if (name === 'testcase') out.cases.push({ name: String(attributes['name']), verdicts: [], text: '' });
    const open = out.cases.at(-1);
    if (name === 'failure' || name === 'error' || name === 'skipped') {
      open?.verdicts.push(`${name}: ${String(attributes['message'])}`);
    }
  });
  parser.on('text', (text) => {
    const open = out.cases.at(-1);
    if (open !== undefined) open.text += text;
  });
  parser.write(xml).close();
  return out;
}

describe('annotations', () => {
  test('stand at file and line, relative to the workspace, with title and reason', () => {
    const [only, ...others] = annotationLines(recordOf(fileRow(812)), inWorkspace);
    expect(others).toEqual([]);
    expect(only).toBe(
      '::error file=data/tickets.csv,line=812,title=zep-import%3A row rejected [map missing-field]::no content',
    );
  });

  test('are at most ten errors, the first of each kind before more of one, and a notice counts the rest', () => {
    const many = Array.from({ length: 5_000 }, (_, i) => fileRow(i + 2, 'same'));
    const record = recordOf(...many, fileRow(9_001, 'another'), itemFailed('the service said no'), exitError());
    const commands = commandsIn(annotationLines(record, inWorkspace).join('\n'));
    expect(commands.filter(({ name }) => name === 'error')).toHaveLength(10);
    expect(commands[0]?.data).toContain('the service does not answer');
    expect(commands.slice(1, 4).map(({ data }) => data.split(' (')[0])).toEqual([
      'same',
      'another',
      'tickets.csv:812: the service said no',
    ]);
    expect(commands.at(-1)).toMatchObject({ name: 'notice', data: 'and 4,993 more; all are counted in the summary' });
  });

  test('of mistakes in a mapping stand where the mistakes are', () => {
    const places = [
      { file: '/w/map.yaml', line: 3, column: 5, message: 'item.data: is missing' },
      { file: '/w/map.yaml', line: 9, column: 1, message: 'wher: is not known' },
    ];
    const record = recordOf({ ...exitError(), places } as RunEvent);
    const commands = commandsIn(annotationLines(record, inWorkspace).join('\n'));
    expect(
      commands.map(({ properties, data }) => [properties['file'], properties['line'], properties['col'], data]),
    ).toEqual([
      ['map.yaml', '3', '5', 'item.data: is missing'],
      ['map.yaml', '9', '1', 'wher: is not known'],
    ]);
  });

  test('name the place in words where there is no line of a file: standard input, and files in archives', () => {
    const plain = position(7, 'stdin');
    const archived = position(8, 'export.zip!/users.json');
    const file = { path: '/w/export.zip!/users.json', container: '/w/export.zip', modifiedMs: 0, inode: 1 };
    const record = recordOf(
      rejected('a', { position: plain }),
      rejected('b', { position: { ...archived, source: { ...archived.source, file } } }),
      itemFailed('c', { position: undefined }),
    );
    const commands = commandsIn(annotationLines(record, inWorkspace).join('\n'));
    expect(commands.map(({ properties, data }) => [properties['file'], properties['line'], data])).toEqual([
      [undefined, undefined, 'stdin:7: a'],
      ['export.zip', undefined, 'export.zip!/users.json:8: b'],
      [undefined, undefined, 'c (batch b1, item 5)'],
    ]);
  });

  test('are nothing when nothing went wrong', () => {
    expect(annotationLines(recordOf(started(), ended()), inWorkspace)).toEqual([]);
  });
});

const nastyMarkdown = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '`',
        '``',
        '|',
        '\\|',
        '\\',
        '\n',
        '<b>',
        '<!--',
        '](http://x)',
        '![',
        '@user',
        '&lt;',
        '***',
        '#1',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(''));

describe('outside text in Markdown', () => {
  test('stands in a code span that it cannot close', () => {
    fc.assert(
      fc.property(nastyMarkdown, (text) => {
        const span = code(text);
        if (span === '') return;
        const [, fence = '', inside = ''] = /^(`+)([^]*?)\1$/.exec(span) ?? [];
        expect(span).not.toMatch(/[\r\n]/);
        // A code span ends at the next run of backticks of just its length.
        const runs = [...inside.matchAll(/`+/g)].map(([run]) => run.length);
        expect(runs).not.toContain(fence.length);
        expect(inside.startsWith('`') || inside.endsWith('`')).toBe(false);
      }),
    );
  });

  test('ends no cell of a table, and no fence', () => {
    fc.assert(
      fc.property(nastyMarkdown, (text) => {
        expect(cell(text)).not.toContain('|');
        const [open = '', ...rest] = block([text, '```', text]);
        const close = rest.pop() ?? '';
        expect(close).toBe(open);
        expect(rest.some((line) => line.trim().startsWith(open))).toBe(false);
      }),
    );
  });
});

describe('a job summary', () => {
  test('tells the outcome, the counts, the batches, the errors with their places, and what to type next', () => {
    const text = jobSummary(
      recordOf(
        started(),
        ended({
          status: 'completed-with-errors',
          exitCode: 10,
          records: { read: 1300, mapped: 1294, skipped: 0, rejected: 6, partlyRejected: 0 },
          batches: [{ batch: 'b1', lane: 0, number: 1, status: 'partial', items: 500, counts: counts(500, 497, 3) }],
          errors: [{ stage: 'map', code: 'missing-field', message: 'no content', count: 6, first: 'tickets.csv:812' }],
          next: 'zep-import retry run-1',
        }),
      ),
      'run',
    );
    expect(text).toMatch(/^### zep-import run: ❌ Finished with errors: 6 rows rejected\.\n/);
    expect(text).toContain('| records read | 1,300 |\n');
    expect(text).toContain('| 1 `b1` | `partial` | 500 | 497 succeeded, 3 failed |\n');
    expect(text).toContain('- 6 × `no content` (`map missing-field`, first at `tickets.csv:812`)\n');
    expect(text).toContain('```sh\nzep-import retry run-1\n```\n');
  });

  test('of a command that could not begin tells why', () => {
    const text = jobSummary(recordOf(exitError('2 mistakes:\na <script>\n```')), 'check');
    expect(text).toMatch(/^### zep-import check: ❌ Failed: exit code 6\n/);
    expect(text).toContain('````\n2 mistakes:\na <script>\n```\n');
  });

  test('is small however much went wrong, and whatever was said', () => {
    const long = `${HOSTILE}${'x'.repeat(100_000)}`;
    const over: Partial<RunSummary> = {
      batches: Array.from({ length: 5_000 }, (_, i) => ({
        ...{ batch: `${long}${i}`, lane: 0, number: i, status: long, items: 1 },
        counts: undefined,
      })),
      errors: Array.from({ length: 200 }, () => ({ stage: 'map', code: long, message: long, count: 1, first: long })),
      notes: Array.from({ length: 200 }, () => long),
    };
    const text = jobSummary(recordOf(started(), exitError(`${long}\n`.repeat(1_000)), ended(over)), 'run');
    expect(Buffer.byteLength(text)).toBeLessThan(256 * 1024);
    expect(text).not.toContain('\u001b');
  });
});

describe('JUnit XML', () => {
  test('has a case for the run, one for its rows, and one for each batch, with what failed where', () => {
    const xml = junitXml(
      recordOf(
        started(),
        rejected('no content'),
        itemFailed('the service said no'),
        ended({
          status: 'completed-with-errors',
          records: { read: 10, mapped: 9, skipped: 0, rejected: 1, partlyRejected: 0 },
          batches: [
            { batch: 'b1', lane: 0, number: 1, status: 'partial', items: 5, counts: counts(5, 4, 1) },
            { batch: 'b2', lane: 0, number: 2, status: 'succeeded', items: 4, counts: counts(4, 4) },
            { batch: 'b3', lane: 0, number: 3, status: 'processing', items: 4, counts: counts(4, 1) },
          ],
        }),
      ),
      'run',
      AT,
    );
    const { cases, suites } = parsed(xml);
    expect(cases.map(({ name, verdicts }) => [name, ...verdicts])).toEqual([
      ['run'],
      ['rows', 'failure: 1 row rejected'],
      ['batch 1 (b1)', 'failure: partial: 4 succeeded, 1 failed'],
      ['batch 2 (b2)'],
      ['batch 3 (b3)', 'skipped: processing: 4 items, 1 succeeded'],
    ]);
    expect(cases[1]?.text).toContain('tickets.csv:812: no content [map missing-field]');
    expect(cases[2]?.text).toContain('tickets.csv:812: the service said no [remote boom]');
    expect(suites).toMatchObject([
      { tests: '5', failures: '2', errors: '0', skipped: '1', timestamp: '2024-05-01T12:00:00' },
    ]);
  });

  test('of a run that could not begin is a case with an error', () => {
    const { cases } = parsed(junitXml(recordOf(exitError('no key')), 'resume', AT));
    expect(cases.map(({ name, verdicts }) => [name, ...verdicts])).toEqual([['resume', 'error: no key']]);
  });

  test('is well-formed XML 1.0 whatever rows and the service say', () => {
    const units = fc
      .array(
        fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0xfffe, 0xffff, 0, 0x1b, 0x3c, 0x26, 0x22, 0x5d)),
      )
      .map((all) => String.fromCharCode(...all));
    const markup = fc.constantFrom(']]>', '<!--', '<![CDATA[', '&#0;', '</failure>', '\ufffe\uffff', HOSTILE);
    fc.assert(
      fc.property(fc.oneof(units, markup), (text) => {
        const batches = [{ batch: text, lane: 0, number: 1, status: text, items: 1, counts: undefined }];
        const record = recordOf(
          started({ project: text }),
          rejected(text, { position: position(1, text) }),
          itemFailed(text, { batch: text as never }),
          { ...exitError(text), code: text } as RunEvent,
          ended({ run: text, batches, records: { read: 1, mapped: 0, skipped: 0, rejected: 1, partlyRejected: 0 } }),
        );
        expect(() => parsed(junitXml(record, 'run', AT))).not.toThrow();
      }),
    );
  });

  test('does not grow with the number of rejected rows', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => fileRow(i + 2, `reason ${i} ${'x'.repeat(5_000)}`));
    const xml = junitXml(
      recordOf(
        ...many,
        ended({ records: { read: 20_000, mapped: 0, skipped: 0, rejected: 20_000, partlyRejected: 0 } }),
      ),
      'run',
      AT,
    );
    expect(xml.length).toBeLessThan(100_000);
    expect(parsed(xml).cases[1]?.text).toContain('and 19,980 more');
  });
});
