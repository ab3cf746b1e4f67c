/** Records of documents. What is written down of a rejected one is a JSON line: its fields as far as they are known. */
import { createHash } from 'node:crypto';
import type { Position, ReadEntry, RecordBlock, SourceInfo } from '../../model.js';
import { LIMITS } from '../../wire.js';
import type { DocumentKind } from '../../model.js';
import type { DocumentFields, DocumentPart } from './parsed.js';

export const BLOCK_PARTS = 500;

export class DocumentBlock implements RecordBlock {
  readonly inexactNumbers = 0;
  readonly head = undefined;

  constructor(
    readonly source: SourceInfo,
    readonly entries: readonly ReadEntry[],
    readonly bytesRead: number,
    private readonly facts: DocumentFields,
  ) {}

  raw({ ordinal }: Position): string {
    const entry = this.entries.find(({ position }) => position.ordinal === ordinal);
    return JSON.stringify(entry?.kind === 'record' ? entry.value : this.facts);
  }
}

/** The fields that the file alone tells. */
export function factsOfFile(info: SourceInfo, kind: DocumentKind): DocumentFields {
  return {
    document_id: documentId(info.id),
    path: info.id,
    name: info.id.slice(Math.max(info.id.lastIndexOf('/'), info.id.lastIndexOf('\\')) + 1),
    kind,
    file_modified: info.file === undefined ? undefined : new Date(info.file.modifiedMs).toISOString(),
  };
}

/** The name as it is when the service takes it, else its beginning and a hash of it: the same for the same name, for ever. */
export function documentId(name: string): string {
  const limit = LIMITS.documentIdCharacters;
  const plain = name.replace(/^(?:\.\/)+/, '');
  if (plain.trim() !== '' && [...plain].length <= limit && !/[\u0000-\u001f\u007f]|[^]\p{Cs}/u.test(plain))
    return plain;
  const hash = createHash('sha256').update(plain).digest('hex').slice(0, 20);
  const start = [...plain.replace(/[\u0000-\u001f\u007f]|\p{Cs}/gu, '_')].slice(0, limit - hash.length - 1).join('');
  return `${start}~${hash}`;
}

export function entryOf(part: DocumentPart, fields: DocumentFields, position: Position): ReadEntry {
  if (part.problem !== undefined) return { kind: 'rejected', stage: 'read', ...part.problem, position };
  const value: Record<string, unknown> = { text: part.text };
  for (const each of [fields, part.fields]) {
    for (const [name, field] of Object.entries(each)) if (field !== undefined) value[name] = field;
  }
  return { kind: 'record', value, position };
}
