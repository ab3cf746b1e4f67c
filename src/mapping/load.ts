/** Mapping files to mappings. Every mistake is found before anything is read, and told with its place in the file. */
import { readFile } from 'node:fs/promises';
import { isUtf8 } from 'node:buffer';
import { usageError } from '../errors.js';
import { addExpressionProblems } from './document/expression-problems.js';
import { Problems } from './document/problems.js';
import { readDocument } from './document/read-document.js';
import { addShapeProblems } from './document/shape-problems.js';
import { compileMapping, type Mapping } from './mapping.js';
import { mappingSchemaOfFile } from './schema.js';

/** Reads and compiles a mapping file (YAML or JSON). Throws usage errors `mapping-unreadable` and `mapping-invalid`. */
export async function loadMapping(path: string): Promise<Mapping> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message;
    throw usageError('mapping-unreadable', `the mapping ${path} cannot be read: ${reason}`, 'check the path behind -m');
  }
  if (!isUtf8(bytes)) {
    throw usageError('mapping-unreadable', `the mapping ${path} is not UTF-8 text`, 'save it as UTF-8');
  }
  return parseMapping(bytes.toString('utf8'), path);
}

/** Compiles the text of a mapping file; `filename` is for messages. Throws the usage error `mapping-invalid`. */
export function parseMapping(text: string, filename: string): Mapping {
  const document = readDocument(text, filename);
  const problems = new Problems(document);
  if (document.value === null) {
    problems.add([], 'the file is empty', 'a mapping begins with version: 1');
    problems.throwIfAny();
  }
  const parsed = mappingSchemaOfFile.safeParse(document.value);
  if (!parsed.success) {
    addShapeProblems(parsed.error.issues, document.value, problems);
    addExpressionProblems(document.value, [], problems);
    problems.throwIfAny();
    throw parsed.error;
  }
  const mapping = compileMapping(parsed.data, document, problems);
  problems.throwIfAny();
  return mapping;
}
