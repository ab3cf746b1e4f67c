/** Markdown keeps its marks, which is what it is split at; the front matter becomes fields. */
import { parse } from 'yaml';
import { isoDate } from './dates.js';
import { whole, type DocumentFields, type ParsedDocument } from './parsed.js';

const FRONT_MATTER = /^---[ \t]*\n([^]*?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)/;
const TITLE = /^ {0,3}#[ \t]+(.+?)[ \t#]*$|^(?! *\n)(.+)\n=+[ \t]*$/m;
/** Front matter is short; what is longer is text. */
const FRONT_MATTER_CHARACTERS = 64 * 1024;

export function parseMarkdown(text: string): ParsedDocument {
  const match = FRONT_MATTER.exec(text.slice(0, FRONT_MATTER_CHARACTERS));
  const front = match?.[1] === undefined ? undefined : frontMatter(match[1]);
  const body = front === undefined ? text : text.slice(match?.[0].length ?? 0);
  const lines = front === undefined ? 0 : (match?.[0].split('\n').length ?? 1) - 1;
  const { parts } = whole(body, {});
  return {
    fields: {
      title: textOf(front?.['title']) ?? titleOf(body),
      author: textOf(front?.['author']) ?? textOf(front?.['authors']),
      date: isoDate(front?.['date']) ?? isoDate(front?.['created']),
      modified: isoDate(front?.['updated']) ?? isoDate(front?.['lastmod']) ?? isoDate(front?.['modified']),
      front_matter: front,
    },
    parts: parts.map((part) => ({ ...part, line: lines + 1 })),
  };
}

/** Undefined when it is no YAML map: then the lines are text. */
function frontMatter(yaml: string): DocumentFields | undefined {
  try {
    const value = JSON.parse(JSON.stringify(parse(yaml, { maxAliasCount: 0, logLevel: 'error' }))) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as DocumentFields) : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  if (Array.isArray(value)) return textOf(value.filter((each) => typeof each === 'string').join(', '));
  const text = typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
  return text === '' ? undefined : text;
}

function titleOf(body: string): string | undefined {
  const match = TITLE.exec(body.slice(0, FRONT_MATTER_CHARACTERS));
  return textOf(match?.[1] ?? match?.[2]);
}
