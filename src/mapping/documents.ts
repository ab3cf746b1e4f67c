/**
 * The mapping of documents that come without one: small episodes of one document each, in the graph or for the user that the command line
 * names. It is an ordinary mapping, and the documentation shows it as one to start from.
 */
import { DOCUMENT_KINDS } from '../model.js';
import type { Mapping } from './mapping.js';
import { parseMapping } from './load.js';

export const DOCUMENTS_MAPPING = `version: 1
items:
  # A turn of a transcript stays whole, and keeps its speaker.
  - type: graph_episode
    when: 'kind in ["vtt", "srt"]'
    data: { expr: 'speaker == null ? text : speaker + ": " + text' }
    data_type: { expr: 'speaker == null ? "text" : "message"' }
    document_id: '{{ document_id }}'
    created_at: { from: date, required: false }
    source_description: { expr: 'coalesce(title, path).substring(0, 500)' }
    metadata: { path: '{{ path }}', kind: '{{ kind }}', start: { from: start, type: number } }
  - type: graph_episode
    when: 'kind in ["eml", "mbox"]'
    data:
      expr: '"From: " + coalesce(from, "?") + (to == null ? "" : "\\nTo: " + join(to, ", ")) + (cc == null ? "" : "\\nCc: " + join(cc, ", ")) + (date == null ? "" : "\\nDate: " + date) + (subject == null ? "" : "\\nSubject: " + subject) + "\\n\\n" + text'
    data_type: text
    document_id: '{{ document_id }}'
    created_at: { from: date, required: false }
    source_description: { expr: 'coalesce(subject, path).substring(0, 500)' }
    metadata:
      path: '{{ path }}'
      kind: '{{ kind }}'
      from: { from: from, required: false }
      subject: { from: subject, required: false }
    split: { size: 500, overlap: 50 }
  - type: graph_episode
    when: '!(kind in ["vtt", "srt", "eml", "mbox"])'
    data: '{{ text }}'
    data_type: text
    document_id: '{{ document_id }}'
    created_at: { from: date, required: false }
    source_description: { expr: 'coalesce(title, path).substring(0, 500)' }
    metadata:
      path: '{{ path }}'
      kind: '{{ kind }}'
      author: { from: author, required: false }
      page: { from: page, type: number, required: false }
    split: { size: 500, overlap: 50 }
`;

let parsed: Mapping | undefined;

export function documentsMapping(): Mapping {
  return (parsed ??= parseMapping(DOCUMENTS_MAPPING, 'mapping of documents'));
}

/** A record of a document, also when it was written down as a row. */
export function isDocumentRecord(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, document_id: id, path } = value as Record<string, unknown>;
  return DOCUMENT_KINDS.some((each) => each === kind) && typeof id === 'string' && typeof path === 'string';
}
