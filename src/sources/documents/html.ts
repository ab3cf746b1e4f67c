/** HTML to text: headings as Markdown writes them, rows of tables as lines, without what is for the browser alone. */
import { isUtf8 } from 'node:buffer';
import type { FormatCallback } from 'html-to-text';
import { decodeText } from './decode.js';
import { isoDate } from './dates.js';
import { whole, type ParsedDocument } from './parsed.js';

/** Without meaning outside of the page. */
const SKIPPED = ['script', 'style', 'noscript', 'template', 'nav', 'svg', 'button', 'select', 'form', 'iframe', 'img'];
const HEAD_BYTES = 64 * 1024;

export async function parseHtml(bytes: Buffer, encoding: string | undefined): Promise<ParsedDocument> {
  const html = await decodeText(bytes, encoding ?? declaredEncoding(bytes));
  const facts = await factsOf(html);
  return whole(await htmlToText(html), facts);
}

/** Of a page that is not UTF-8 and says what it is. */
function declaredEncoding(bytes: Buffer): string | undefined {
  const head = bytes.toString('latin1', 0, HEAD_BYTES);
  const [, label] = /<meta[^>]+charset\s*=\s*["']?\s*([\w-]+)/i.exec(head) ?? [];
  if (label === undefined || isUtf8(bytes)) return undefined;
  try {
    return new TextDecoder(label).encoding.startsWith('utf') ? undefined : label;
  } catch {
    return undefined;
  }
}

export async function htmlToText(html: string): Promise<string> {
  const { convert } = await import('html-to-text');
  const text = convert(html, {
    wordwrap: false,
    limits: { maxInputLength: Number.MAX_SAFE_INTEGER, maxDepth: 1_000 },
    formatters: { atx, rows },
    selectors: [
      ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, format: 'atx' })),
      { selector: 'table', format: 'rows' },
      { selector: 'ul', options: { itemPrefix: '- ' } },
      { selector: 'a', options: { ignoreHref: true } },
      ...SKIPPED.map((selector) => ({ selector, format: 'skip' })),
    ],
  });
  return text
    .replaceAll('\u00a0', ' ')
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

const atx: FormatCallback = (element, walk, builder) => {
  builder.openBlock({ leadingLineBreaks: 2 });
  builder.addLiteral(`${'#'.repeat(Number((element as { name: string }).name.slice(1)))} `);
  walk(element.children, builder);
  builder.closeBlock({ trailingLineBreaks: 2 });
};

interface Node {
  name?: string;
  type?: string;
  data?: string;
  children?: Node[];
}

/** A row a line, cells apart by a bar. */
const rows: FormatCallback = (element, walk, builder) => {
  builder.openBlock({ leadingLineBreaks: 2 });
  for (const row of rowsOf(element as Node)) {
    builder.openBlock({ leadingLineBreaks: 1 });
    const cells = (row.children ?? []).filter(({ name }) => name === 'td' || name === 'th');
    for (const [index, cell] of cells.entries()) {
      if (index > 0) builder.addInline(' | ', { noWordTransform: true });
      walk(inline(cell.children ?? []) as Parameters<typeof walk>[0], builder);
    }
    builder.closeBlock({ trailingLineBreaks: 1 });
  }
  builder.closeBlock({ trailingLineBreaks: 2 });
};

/** What stands in a cell stays on its line, paragraphs too. */
function inline(nodes: readonly Node[]): Node[] {
  return nodes.flatMap((node) => {
    if (node.name === 'br') return [{ type: 'text', data: ' ' }];
    if (node.children !== undefined) node.children = inline(node.children);
    if (!BLOCKS.has(node.name ?? '')) return [node];
    node.name = 'span';
    return [node, { type: 'text', data: ' ' }];
  });
}

const BLOCKS = new Set([
  'p',
  'div',
  'ul',
  'ol',
  'li',
  'table',
  'tbody',
  'tr',
  'td',
  'th',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
]);

/** Rows of the table itself; those of a table inside a cell are text of the cell. */
function* rowsOf(node: Node): Generator<Node> {
  for (const child of node.children ?? []) {
    if (child.name === 'tr') yield child;
    else if (child.name !== 'td' && child.name !== 'th' && child.name !== 'table') yield* rowsOf(child);
  }
}

async function factsOf(html: string): Promise<Record<string, unknown>> {
  const { Parser } = await import('htmlparser2');
  const meta = new Map<string, string>();
  let title = '';
  let isTitle = false;
  let language: string | undefined;
  const parser = new Parser({
    onopentag(name, attributes) {
      isTitle = name === 'title' && title === '';
      if (name === 'html') language = attributes['lang'];
      const key = (attributes['name'] ?? attributes['property'] ?? attributes['itemprop'] ?? '').toLowerCase();
      if (name === 'meta' && key !== '' && !meta.has(key)) meta.set(key, attributes['content'] ?? '');
    },
    ontext: (text) => void (title += isTitle ? text : ''),
    onclosetag: () => void (isTitle = false),
  });
  parser.end(html.slice(0, HEAD_BYTES));
  const first = (...names: string[]): string | undefined =>
    names.map((name) => meta.get(name)?.trim()).find((value) => value !== undefined && value !== '');
  const date = (...names: string[]): string | undefined =>
    names.map((name) => isoDate(meta.get(name))).find((value) => value !== undefined);
  return {
    title: title.replace(/\s+/g, ' ').trim() || first('og:title', 'dc.title'),
    author: first('author', 'article:author', 'dc.creator'),
    date: date('article:published_time', 'date', 'dc.date', 'dcterms.created', 'datepublished', 'pubdate'),
    modified: date('article:modified_time', 'last-modified', 'dcterms.modified', 'datemodified'),
    language: language === '' ? undefined : language,
  };
}
