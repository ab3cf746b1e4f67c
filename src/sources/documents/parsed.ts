/** What the parsers of documents give. */

/** Fields of a record; `undefined` ones are left out of it. */
export type DocumentFields = Readonly<Record<string, unknown>>;

export interface DocumentPart {
  readonly text: string;
  /** 1-based line of the file, or page. */
  readonly line: number;
  readonly fields: DocumentFields;
  /** Why this part cannot be taken, when the others can. */
  readonly problem?: { readonly code: string; readonly message: string };
}

export interface ParsedDocument {
  /** The same in every record of the document. */
  readonly fields: DocumentFields;
  readonly parts: readonly DocumentPart[];
}

/** A document that cannot be taken, as far as its text goes: the message tells what to do. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError';

  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export function whole(text: string, fields: DocumentFields): ParsedDocument {
  return { fields, parts: [{ text, line: 1, fields: {} }] };
}
