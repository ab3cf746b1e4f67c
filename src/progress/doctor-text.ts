/** The findings of `doctor`, for people and for machines. */
import type { Check, DoctorReport, Verdict } from '../doctor-report.js';
import { jsonLine, printable } from './escape.js';
import { counted } from './format.js';
import { createPaint, type Paint } from './paint.js';

export function doctorText({ checks }: DoctorReport, color: boolean): string {
  const paint = createPaint(color);
  const names = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap((check) => linesOf(check, names, paint));
  return `${[...lines, '', conclusion(checks, paint)].join('\n')}\n`;
}

const WORDS: Readonly<Record<Verdict, string>> = { ok: 'ok', warning: 'warning', problem: 'problem', skipped: '-' };
const WORD_COLUMNS = 9;

function linesOf({ name, verdict, message, hint }: Check, names: number, paint: Paint): string[] {
  const word = WORDS[verdict].padEnd(WORD_COLUMNS);
  const painted = { ok: paint.good, warning: paint.warn, problem: paint.bad, skipped: paint.dim }[verdict](word);
  const [first = '', ...others] = message.split('\n').map((line) => printable(line));
  const indent = ' '.repeat(WORD_COLUMNS + names + 2);
  return [
    `${painted}${name.padEnd(names)}  ${first}`,
    ...others.map((line) => `${indent}${line}`),
    ...(hint === undefined ? [] : [`${indent}${printable(hint)}`]),
  ];
}

function conclusion(checks: readonly Check[], paint: Paint): string {
  const of = (verdict: Verdict): number => checks.filter((check) => check.verdict === verdict).length;
  const [problems, warnings] = [of('problem'), of('warning')];
  const also = warnings === 0 ? '' : `, ${counted(warnings, 'warning')}`;
  if (problems > 0) return paint.bad(`${counted(problems, 'problem')}${also}: an import would fail.`);
  return warnings > 0
    ? paint.warn(`${counted(warnings, 'warning')}: an import would work.`)
    : paint.good('All is well.');
}

export function doctorJson({ version, node, platform, checks, exitCode }: DoctorReport): string {
  return jsonLine({
    type: 'doctor',
    exit_code: exitCode,
    version,
    node,
    platform,
    checks: checks.map(({ name, verdict, message, hint, exitCode: code }) => ({
      name,
      status: verdict,
      message,
      hint,
      exit_code: code,
    })),
  });
}
