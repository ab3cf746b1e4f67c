/**
 * Annotations for GitHub Actions: mistakes of the mapping, rejected rows and failed items, each at its file and line, and what ended the run.
 * GitHub shows ten errors of a step: those are the first of each kind, and a notice counts the others.
 */
import { count } from '../format.js';
import { MAX_SAMPLES, type CiRecord, type PlacedError } from './ci-record.js';
import { workflowCommand, type CommandProperties } from './workflow-command.js';

/** The name of a file as GitHub knows it: relative to the workspace, where it lies in it. */
export type PathOf = (file: string) => string;

interface Annotation {
  readonly properties: CommandProperties;
  readonly message: string;
}

/** Each without its line end; nothing when nothing went wrong. */
export function annotationLines(record: CiRecord, pathOf: PathOf): readonly string[] {
  const ending = [...endingOf(record, pathOf), ...failedTests(record)];
  const rows = record.samples.map((error) => rowAnnotation(error, pathOf));
  const all = [...ending, ...rows];
  const shown = all.slice(0, MAX_SAMPLES);
  const total = ending.length + record.rejected.count + record.failed.count;
  const lines = shown.map(({ properties, message }) => workflowCommand('error', properties, message));
  if (total <= shown.length) return lines;
  const where = record.rejected.count + record.failed.count > 0 ? '; all are counted in the summary' : '';
  return [
    ...lines,
    workflowCommand('notice', { title: 'zep-import' }, `and ${count(total - shown.length)} more${where}`),
  ];
}

/** The error that ended the run: each mistake in a file at its place. */
function endingOf({ exitError }: CiRecord, pathOf: PathOf): readonly Annotation[] {
  if (exitError === undefined) return [];
  const { code, message, hint, places = [] } = exitError;
  if (places.length > 0) {
    return places.map((place) => ({
      properties: {
        file: pathOf(place.file),
        line: place.line,
        col: place.column,
        title: `zep-import: mistake in the mapping [${code}]`,
      },
      message: place.message,
    }));
  }
  return [
    { properties: { title: `zep-import: ${code}` }, message: hint === undefined ? message : `${message}\n${hint}` },
  ];
}

/** Examples of the mapping that a check found wrong. */
function failedTests({ check }: CiRecord): readonly Annotation[] {
  return (check?.notices ?? [])
    .filter(({ code }) => code === 'mapping-test')
    .map(({ message }) => ({ properties: { title: 'zep-import: test of the mapping failed' }, message }));
}

function rowAnnotation(error: PlacedError, pathOf: PathOf): Annotation {
  const { kind, position, stage, code, message } = error;
  const title = `zep-import: ${kind === 'rejected' ? 'row rejected' : 'item failed'} [${stage} ${code}]`;
  const details = [
    ...(kind === 'rejected' && error.item !== undefined ? [`item ${error.item + 1}`] : []),
    ...(error.field === undefined ? [] : [error.field]),
    ...(error.batch === undefined ? [] : [`batch ${error.batch}, item ${error.index ?? '?'}`]),
  ];
  const text = details.length === 0 ? message : `${message} (${details.join(', ')})`;
  const file = position?.source.file;
  if (position === undefined) return { properties: { title }, message: text };
  // A line of standard input, or of a file in an archive, is no line of a file that GitHub could show.
  if (file === undefined || file.container !== undefined) {
    return {
      properties: { file: file?.container === undefined ? undefined : pathOf(file.container), title },
      message: `${position.source.id}:${position.line}: ${text}`,
    };
  }
  return { properties: { file: pathOf(file.path), line: position.line, title }, message: text };
}
