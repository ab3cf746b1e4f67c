/** The proof of the books for people: a line a check, both numbers in it. */
import type { AuditCheck, AuditReport } from '../run-report.js';
import { printable } from './escape.js';
import { count, counted } from './format.js';
import { createPaint, type Paint } from './paint.js';
import { titleOf } from './run-words.js';
import type { TextOptions } from './summary.js';

export function auditText(report: AuditReport, { color }: TextOptions): string {
  const paint = createPaint(color);
  const lines = [paint.bold(headline(report, paint)), ...report.checks.flatMap((check) => checkLines(check, paint))];
  for (const batch of report.gone) lines.push(paint.bad(`gone   ${printable(batch)}: the service has no such batch`));
  return `${lines.join('\n')}\n`;
}

function headline(report: AuditReport, paint: Paint): string {
  const wrong = report.checks.filter(({ verdict }) => verdict === 'wrong').length;
  const later = report.checks.filter(({ verdict }) => verdict === 'later').length;
  const of = `of ${printable(titleOf(report))} over ${counted(report.batches, 'batch', 'batches')}`;
  if (wrong > 0) return paint.bad(`The books ${of} do not hold: ${counted(wrong, 'check')} wrong.`);
  if (later > 0) return paint.warn(`The books ${of} hold as far as they go: ${counted(later, 'check')} must wait.`);
  return paint.good(`The books ${of} hold.`);
}

function checkLines({ verdict, left, right, detail }: AuditCheck, paint: Paint): string[] {
  const sides = (sign: string): string =>
    `${count(left.value)} ${left.what} ${sign} ${count(right.value)} ${right.what}`;
  const why = detail === undefined ? '' : printable(detail);
  switch (verdict) {
    case 'ok':
      return [`${paint.good('ok')}     ${sides('=')}`];
    case 'later':
      return [`${paint.warn('later')}  ${left.what}, ${right.what}: ${why}`];
    case 'wrong':
      return [`${paint.bad('WRONG')}  ${sides('<>')}`, ...(why === '' ? [] : [`       ${why}`])];
  }
}
