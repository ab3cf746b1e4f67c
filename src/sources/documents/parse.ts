/** Bytes of one document to its text and fields. Throws DocumentError for one that cannot be taken. */
import { decodeText } from './decode.js';
import type { DocumentKind } from '../../model.js';
import { parseMarkdown } from './markdown.js';
import { DocumentError, whole, type ParsedDocument } from './parsed.js';

export interface ParseRequest {
  readonly kind: DocumentKind;
  readonly bytes: Buffer;
  /** Name of the text encoding, when it was given. */
  readonly encoding: string | undefined;
  /** What an archive may unpack to. */
  readonly maxBytes: number;
}

/** Kinds whose parsers are trusted to come to an end, and to need no more memory than the text. */
export const SIMPLE_KINDS: ReadonlySet<DocumentKind> = new Set(['txt', 'md', 'vtt', 'srt']);

export async function parseDocument(request: ParseRequest): Promise<ParsedDocument> {
  if (request.bytes.length === 0) throw empty();
  const parsed = await parseKind(request);
  if (parsed.parts.every(({ text, problem }) => problem === undefined && text.trim() === '')) throw empty();
  return parsed;
}

async function parseKind({ kind, bytes, encoding, maxBytes }: ParseRequest): Promise<ParsedDocument> {
  switch (kind) {
    case 'txt':
      return whole(await decodeText(bytes, encoding), {});
    case 'md':
      return parseMarkdown(await decodeText(bytes, encoding));
    case 'vtt':
    case 'srt':
      return (await import('./subtitles.js')).parseSubtitles(await decodeText(bytes, encoding));
    case 'html':
      return await (await import('./html.js')).parseHtml(bytes, encoding);
    case 'pdf':
      return await (await import('./pdf.js')).parsePdf(bytes);
    case 'docx':
      return await (await import('./docx.js')).parseDocx(bytes, maxBytes);
    case 'eml':
    case 'mbox':
      return await (await import('./mail.js')).parseMail(bytes);
  }
}

function empty(): DocumentError {
  return new DocumentError('no-text', 'this document is empty: there is no text in it');
}
