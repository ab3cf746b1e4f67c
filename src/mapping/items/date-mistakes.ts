/** Mistakes in formats and zones, told at their place in the mapping. */
import type { DateMistake, DateReader } from '../dates/date-reader.js';
import type { Problems } from '../document/problems.js';
import type { DocumentPath } from '../document/read-document.js';

/** Compiles with `compile` and adds the mistakes it finds. `path` is that of the description, `format` what stands there. */
export function addDateMistakes(
  path: DocumentPath,
  format: string | readonly string[] | undefined,
  problems: Problems,
  compile: (mistakes: DateMistake[]) => DateReader,
): DateReader {
  const mistakes: DateMistake[] = [];
  const reader = compile(mistakes);
  for (const { at, index, problem, fix } of mistakes) {
    const place = at === 'format' && Array.isArray(format) ? ['format', index] : [at];
    problems.add([...path, ...place], problem, fix);
  }
  return reader;
}
