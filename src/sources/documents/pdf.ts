/** The text of a PDF, page by page, in the order in which the pages give it; lines and paragraphs by where it stands. */
import type { getDocumentProxy } from 'unpdf';
import { pdfDate } from './dates.js';
import { DocumentError, type DocumentPart, type ParsedDocument } from './parsed.js';

interface TextItem {
  readonly str: string;
  readonly transform: readonly number[];
  readonly width: number;
  readonly height: number;
  readonly hasEOL: boolean;
}

/** A gap of this many line heights is one between paragraphs. */
const PARAGRAPH_GAP = 1.6;
/** A gap inside a line of this many heights is a blank. */
const WORD_GAP = 0.2;

export async function parsePdf(bytes: Buffer): Promise<ParsedDocument> {
  const { getDocumentProxy: open } = await import('unpdf');
  const pdf = await open(new Uint8Array(bytes), {
    verbosity: 0,
    isEvalSupported: false,
    stopAtErrors: false,
    useSystemFonts: false,
  }).catch((error: unknown) => {
    throw explained(error);
  });
  try {
    const { info } = (await pdf.getMetadata().catch(() => ({ info: {} }))) as { info: Record<string, unknown> };
    const parts: DocumentPart[] = [];
    for (let page = 1; page <= pdf.numPages; page++) {
      const part = await partOf(pdf, page);
      if (part !== undefined) parts.push(part);
    }
    if (parts.length === 0) {
      throw new DocumentError(
        'no-text',
        'this PDF has no text, only pictures of pages, it seems: run it through text recognition (OCR) first',
      );
    }
    return {
      fields: {
        title: filled(info['Title']),
        author: filled(info['Author']),
        date: pdfDate(info['CreationDate']),
        modified: pdfDate(info['ModDate']),
        pages: pdf.numPages,
      },
      parts,
    };
  } finally {
    await pdf.destroy();
  }
}

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>;

/** Undefined for a page without text. */
async function partOf(pdf: Pdf, number: number): Promise<DocumentPart | undefined> {
  const place = { line: number, fields: { page: number } };
  try {
    const page = await pdf.getPage(number);
    const { items } = await page.getTextContent();
    page.cleanup();
    const text = layOut(items.filter((item): item is typeof item & TextItem => 'str' in item));
    return text === '' ? undefined : { ...place, text };
  } catch (error) {
    const message = `page ${number} of this PDF cannot be read (${(error as Error).message}): save or print it anew`;
    return { ...place, text: '', problem: { code: 'damaged', message } };
  }
}

/** Joins the pieces of a page into lines and paragraphs. */
function layOut(items: readonly TextItem[]): string {
  let text = '';
  let last: TextItem | undefined;
  for (const item of items) {
    if (item.str === '' && !item.hasEOL) continue;
    if (last !== undefined && !text.endsWith('\n')) {
      if (isBesides(last, item)) text += needsBlank(last, item) ? ' ' : '';
      else text += '\n';
    }
    if (last !== undefined && item.str !== '' && isFarBelow(last, item) && text !== '' && !text.endsWith('\n\n'))
      text += '\n';
    text += item.str;
    if (item.str !== '') last = item;
    if (item.hasEOL && !text.endsWith('\n')) text += '\n';
  }
  return text
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

const x = ({ transform }: TextItem): number => transform[4] ?? 0;
const y = ({ transform }: TextItem): number => transform[5] ?? 0;
const size = ({ height, transform }: TextItem): number => height || Math.abs(transform[3] ?? 0) || 1;

function isBesides(a: TextItem, b: TextItem): boolean {
  return Math.abs(y(a) - y(b)) < Math.max(size(a), size(b)) / 2;
}

function needsBlank(a: TextItem, b: TextItem): boolean {
  return !/\s$/.test(a.str) && !/^\s/.test(b.str) && x(b) - (x(a) + a.width) > size(b) * WORD_GAP;
}

function isFarBelow(a: TextItem, b: TextItem): boolean {
  return y(a) - y(b) > Math.max(size(a), size(b)) * PARAGRAPH_GAP;
}

function filled(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.trim() : '';
  return text === '' ? undefined : text;
}

function explained(error: unknown): DocumentError {
  const { name, message } = error as Error;
  if (name === 'PasswordException') {
    return new DocumentError('encrypted', 'this PDF is protected by a password: save a copy without one');
  }
  return new DocumentError('damaged', `this PDF cannot be read (${message}): save or print it anew`);
}
