/**
 * XML 1.0, written. Rule: well-formed whatever the texts hold: markup is escaped, and characters that XML does not allow are shown as escapes.
 */
import { printable } from '../escape.js';

export interface XmlElement {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string | number | undefined>>;
  readonly children?: readonly XmlElement[];
  /** Outside text; line ends are kept. */
  readonly text?: readonly string[];
}

const MAX_ATTRIBUTE = 1_000;
const MAX_LINE = 2_000;
const MARKUP: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** A document with its declaration, indented. */
export function xmlDocument(root: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(root, '')}`;
}

function element({ name, attributes = {}, children = [], text = [] }: XmlElement, indent: string): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escaped(String(value), MAX_ATTRIBUTE)}"`);
  const open = `${indent}<${name}${written.join('')}`;
  if (children.length === 0 && text.length === 0) return `${open}/>\n`;
  if (children.length === 0) return `${open}>${text.map((line) => escaped(line, MAX_LINE)).join('\n')}</${name}>\n`;
  return `${open}>\n${children.map((child) => element(child, `${indent}  `)).join('')}${indent}</${name}>\n`;
}

/** `printable` leaves no control characters and no half pairs; U+FFFE and U+FFFF are no characters of XML either. */
function escaped(text: string, maxLength: number): string {
  return printable(text, maxLength)
    .replace(/[&<>"]/g, (character) => MARKUP[character] ?? character)
    .replaceAll('\ufffe', '\\ufffe')
    .replaceAll('\uffff', '\\uffff');
}
