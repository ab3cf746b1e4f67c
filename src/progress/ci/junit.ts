/**
 * A run or a check as JUnit XML, as CI systems show test results: a suite, with a case for the run itself, one for its rows, and one for each batch.
 * A batch that the service still works on, or a draft, is a skipped case: neither passed nor failed.
 */
import type { CheckReport } from '../../check-report.js';
import type { BatchResult, RunSummary } from '../../events.js';
import { describePosition } from '../../model.js';
import { isTerminal } from '../batch-book.js';
import { count, counted } from '../format.js';
import { outcomesText } from '../summary.js';
import type { CiRecord, PlacedError } from './ci-record.js';
import { xmlDocument, type XmlElement } from './xml.js';

const MAX_PLACES = 20;

type Verdict = 'failure' | 'error' | 'skipped';

/** `endedAt`: ISO 8601. */
export function junitXml(record: CiRecord, command: string, endedAt: string): string {
  const { summary, check } = record;
  const cases = [
    endingCase(record, command),
    ...(summary === undefined ? [] : [rowsCase(record, summary), ...batchCases(record, summary)]),
    ...(check === undefined ? [] : checkCases(record, check)),
  ];
  const having = (verdict: Verdict): number =>
    cases.filter(({ children = [] }) => children.some(({ name }) => name === verdict)).length;
  const totals = {
    tests: cases.length,
    failures: having('failure'),
    errors: having('error'),
    skipped: having('skipped'),
    time: ((summary?.durationMs ?? check?.durationMs ?? 0) / 1000).toFixed(3),
  };
  const name = `zep-import ${command}${summary === undefined ? '' : ` ${summary.run}`}`;
  const suite: XmlElement = {
    name: 'testsuite',
    attributes: { name, ...totals, timestamp: endedAt.slice(0, 19) },
    children: [...properties(record), ...cases],
  };
  return xmlDocument({ name: 'testsuites', attributes: { name: 'zep-import', ...totals }, children: [suite] });
}

function properties({ summary, check, started, exitError }: CiRecord): readonly XmlElement[] {
  const exitCode = summary?.exitCode ?? check?.exitCode ?? exitError?.exitCode;
  const facts = {
    run: summary?.run,
    status: summary?.status,
    project: started?.project === '' ? undefined : started?.project,
    exit_code: exitCode,
    read: summary?.records.read ?? check?.records.read,
    accepted: summary?.items.accepted,
  };
  const children = Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]): XmlElement => ({ name: 'property', attributes: { name, value } }));
  return children.length === 0 ? [] : [{ name: 'properties', children }];
}

function testCase(name: string, verdict?: XmlElement): XmlElement {
  return {
    name: 'testcase',
    attributes: { classname: 'zep-import', name, time: 0 },
    ...(verdict === undefined ? {} : { children: [verdict] }),
  };
}

function endingCase({ exitError }: CiRecord, command: string): XmlElement {
  if (exitError === undefined) return testCase(command);
  const { code, message, hint } = exitError;
  const [first = ''] = message.split('\n');
  const text = [...message.split('\n'), ...(hint === undefined ? [] : [hint])];
  return testCase(command, { name: 'error', attributes: { message: first, type: code }, text });
}

function rowsCase({ rejected }: CiRecord, { records, items, errors }: RunSummary): XmlElement {
  const rows = records.rejected + records.partlyRejected;
  if (rows + items.rejected === 0) return testCase('rows');
  const message = rows > 0 ? `${counted(rows, 'row')} rejected` : `${counted(items.rejected, 'item')} rejected`;
  // Of a run that goes on, this process may have seen none of them.
  const places = rejected.count > 0 ? placesText(rejected.first, rejected.count) : errors.map(groupText);
  return testCase('rows', { name: 'failure', attributes: { message, type: 'rejected' }, text: places });
}

function groupText({ count: times, message, stage, code, first }: RunSummary['errors'][number]): string {
  return `${count(times)} x ${message} [${stage} ${code}]${first === '' ? '' : ` (first: ${first})`}`;
}

function batchCases(record: CiRecord, { batches }: RunSummary): readonly XmlElement[] {
  return batches.map((batch) => testCase(`batch ${batch.number} (${batch.batch})`, verdictOf(record, batch)));
}

/** Undefined when every item of it was processed. */
function verdictOf({ failed }: CiRecord, { batch, status, items, counts }: BatchResult): XmlElement | undefined {
  const told = counts === undefined ? undefined : outcomesText({ ...counts, open: 0 });
  if (!isTerminal(status)) {
    const message = `${status}: ${counted(items, 'item')}${told === undefined ? '' : `, ${told}`}`;
    return { name: 'skipped', attributes: { message } };
  }
  const lost = counts === undefined ? 0 : counts.failed + counts.skipped + counts.canceled;
  if (status === 'succeeded' && lost === 0) return undefined;
  const seen = failed.first.get(batch) ?? [];
  const message = `${status}: ${told ?? counted(items, 'item')}`;
  return { name: 'failure', attributes: { message, type: status }, text: placesText(seen, counts?.failed ?? 0) };
}

function checkCases({ rejected }: CiRecord, report: CheckReport): readonly XmlElement[] {
  const { records, items, tests } = report;
  const rows = records.rejected + records.partlyRejected;
  const cases: XmlElement[] = [];
  if (report.testsOnly !== true) {
    const message = `${counted(rows > 0 ? rows : items.rejected, rows > 0 ? 'row' : 'item')} would be rejected`;
    const text = placesText(rejected.first, rejected.count);
    const failure: XmlElement = { name: 'failure', attributes: { message, type: 'rejected' }, text };
    cases.push(testCase('rows', rows + items.rejected > 0 ? failure : undefined));
  }
  if (tests !== undefined) {
    const text = report.notices.filter(({ code }) => code === 'mapping-test').map(({ message }) => message);
    const message = `${counted(tests.failed, 'test')} of the mapping failed`;
    const failure: XmlElement = {
      name: 'failure',
      attributes: { message, type: 'mapping-test' },
      text: text.slice(0, MAX_PLACES),
    };
    cases.push(testCase('tests of the mapping', tests.failed > 0 ? failure : undefined));
  }
  return cases;
}

function placesText(errors: readonly PlacedError[], total: number): readonly string[] {
  const lines = errors.slice(0, MAX_PLACES).map((error) => {
    const where = error.position === undefined ? `item ${error.index ?? '?'}` : describePosition(error.position);
    return `${where}: ${error.message} [${error.stage} ${error.code}]`;
  });
  const rest = total - lines.length;
  return rest > 0 ? [...lines, `and ${count(rest)} more`] : lines;
}
