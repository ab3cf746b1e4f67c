/** `check --explain`: the way of single records from source to items, told by the mapping that a run uses. */
import { usageError } from '../../errors.js';
import type { ExplainedStep } from '../../explained-row.js';
import type { Observe } from '../../events.js';
import { documentsMapping, type Mapping, type TraceStep } from '../../mapping/index.js';
import { explainText } from '../../progress/explain-text.js';
import { jsonLine } from '../../progress/escape.js';
import { explainRows, type Explained, type WantedRow } from '../../run/explain-rows.js';
import { commandNames } from '../command-names.js';
import { EXIT } from '../exit-codes.js';
import { destinationOf, openInputs, whenOpened, type Inputs } from '../inputs.js';
import { print, type Io } from '../io.js';
import type { Values } from '../options.js';

export async function explain(
  args: readonly string[],
  values: Values,
  io: Io,
  observe: Observe,
  stop: AbortSignal,
): Promise<void> {
  const wanted = wantedOf(values.explain ?? '');
  const opening = openInputs(args, values, commandNames, io.stdin, (code, message, hint) =>
    observe({ type: 'notice', level: 'warning', code, message, hint }),
  );
  const inputs = await whenOpened(opening, io, observe, stop);
  let steps: ExplainedStep[] = [];
  const tell = ({ path: _, ...step }: TraceStep & { readonly line: number }): void => void steps.push(step);
  const mapper = mappingUsed(inputs)?.explain(destinationOf(values, mappingUsed(inputs)), tell) ?? inputs.mapper;
  const take = (): readonly ExplainedStep[] => {
    const told = steps;
    steps = [];
    return told.map((step) => (step.value === undefined ? step : { ...step, value: redact(step.value) }));
  };
  const redact = redactorOf(inputs.mapping);
  const explained = await explainRows({ sources: inputs.sources, mapper, steps: take }, wanted, stop);
  const [missing] = explained.missing;
  if (missing !== undefined) {
    const name = 'record' in missing ? `record ${missing.record}` : `${missing.file}:${missing.line}`;
    throw usageError(
      'no-such-record',
      `there is no ${name}`,
      'records count from 1 over all sources; files are named as in messages',
    );
  }
  const isRejected = explained.rows.some(({ rejections }) => rejections.length > 0);
  io.exitCode = isRejected ? EXIT.finishedWithErrors : EXIT.ok;
  const rows = explained.rows.map((row) => ({ ...row, value: redact(row.value) }));
  if (values.output === 'json') await print(io.stdout, jsonLine(explainJson({ rows, missing: [] }, io.exitCode)));
  else await print(io.stdout, explainText(rows, values.mapping ?? 'the mapping'));
}

/** What the mapping takes out of what is sent is not shown either. */
function redactorOf(mapping: Mapping | undefined): (value: unknown) => unknown {
  const row = mapping?.redactRow;
  if (row === undefined) return (value) => value;
  return (value) => (value === undefined ? value : (JSON.parse(row(JSON.stringify(value), true)) as unknown));
}

function mappingUsed({ mapping, sources }: Inputs): Mapping | undefined {
  return mapping ?? (sources.every(({ info }) => info.format === 'document') ? documentsMapping() : undefined);
}

function wantedOf(text: string): readonly WantedRow[] {
  return text.split(',').map((each): WantedRow => {
    const word = each.trim();
    if (/^\d+$/.test(word) && Number(word) > 0) return { record: Number(word) };
    const [, file, line] = /^(.+):(\d+)$/.exec(word) ?? [];
    if (file === undefined) {
      throw usageError(
        'bad-explain',
        `--explain cannot read ${JSON.stringify(word)}`,
        'give record numbers, or FILE:LINE: --explain 3,data.csv:12',
      );
    }
    return { file, line: Number(line) };
  });
}

function explainJson({ rows }: Explained, exitCode: number): Record<string, unknown> {
  return {
    type: 'explain',
    rows: rows.map(({ source, line, record, bytes, value, fate, steps, items, rejections }) => ({
      source,
      line,
      record,
      bytes,
      row: value ?? null,
      fate,
      steps: steps.map(({ name, written, line: mappingLine, value: given, error }) => ({
        name,
        written,
        mapping_line: mappingLine,
        ...(error === undefined ? { value: given ?? null } : { error }),
      })),
      items: items.map(({ wire, owner, part, key, slot }) => ({
        wire,
        owner: owner ?? null,
        part: part ?? null,
        key: key ?? null,
        slot,
      })),
      rejections: rejections.map(({ stage, code, field, message, item }) => ({
        stage,
        code,
        field: field ?? null,
        message,
        item: item ?? null,
      })),
    })),
    exit_code: exitCode,
  };
}
