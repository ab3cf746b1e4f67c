/** The kinds of documents, by name and by first bytes. A new kind is a row here and one in `parse.ts`. */
import type { DocumentKind } from '../../model.js';

const BY_SUFFIX: ReadonlyMap<string, DocumentKind> = new Map([
  ['.txt', 'txt'],
  ['.text', 'txt'],
  ['.md', 'md'],
  ['.markdown', 'md'],
  ['.html', 'html'],
  ['.htm', 'html'],
  ['.xhtml', 'html'],
  ['.pdf', 'pdf'],
  ['.docx', 'docx'],
  ['.eml', 'eml'],
  ['.mbox', 'mbox'],
  ['.vtt', 'vtt'],
  ['.srt', 'srt'],
]);

export const DOCUMENT_SUFFIXES = [...BY_SUFFIX.keys()];

export function documentKindByName(name: string): DocumentKind | undefined {
  const dot = name.lastIndexOf('.');
  return dot < 0 ? undefined : BY_SUFFIX.get(name.slice(dot).toLowerCase());
}

/** How far into a file the marks of a PDF may begin. */
const PDF_HEAD = 1024;

/** The kind that first bytes leave no doubt about. */
export function documentKindByContent(head: Buffer): DocumentKind | undefined {
  const text = head.toString('latin1', 0, 4096);
  if (text.slice(0, PDF_HEAD).includes('%PDF-')) return 'pdf';
  if (text.startsWith('PK\u0003\u0004')) return head.includes('word/') ? 'docx' : undefined;
  if (/^From \S+ .*\d{4}\r?\n[!-9;-~]+:/.test(text)) return 'mbox';
  const plain = text.replace(/^\u00ef\u00bb\u00bf/, '').trimStart();
  if (/^WEBVTT(?:[ \t\r\n]|$)/.test(plain)) return 'vtt';
  if (/^\d+\r?\n\d{1,2}:\d\d:\d\d[,.]\d{3} --> /.test(plain)) return 'srt';
  if (/^<!doctype html|^<html[\s>]/i.test(plain)) return 'html';
  return undefined;
}
