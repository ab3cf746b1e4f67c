/** The `split` of a template, checked: what cannot work together is told when the mapping is loaded. */
import { LIMITS } from '../../wire.js';
import type { Problems } from '../document/problems.js';
import type { DocumentPath } from '../document/read-document.js';
import type { ItemTemplate } from '../schema.js';
import { DEFAULT_SPLIT, type SplitSettings } from './split-passages.js';

const DEFAULT_OVERLAP_SHARE = DEFAULT_SPLIT.overlap / DEFAULT_SPLIT.size;

/** Undefined when texts are not split into passages. */
export function compileSplit(
  template: ItemTemplate,
  path: DocumentPath,
  problems: Problems,
): SplitSettings | undefined {
  const { split } = template;
  if (split === undefined || split === false) return undefined;
  if (template.oversize !== undefined) {
    problems.addKey(path, 'oversize', 'split and oversize cannot stand together', 'split leaves nothing too long');
  }
  if (template.type === 'graph_episode' && template.data_type === 'json') {
    problems.addKey(path, 'split', 'JSON is not split into passages', 'oversize: split cuts JSON at its members');
  }
  if (split === true) return DEFAULT_SPLIT;
  const limit = template.type === 'thread_message' ? LIMITS.messageCharacters : LIMITS.episodeCharacters;
  const size = split.size ?? DEFAULT_SPLIT.size;
  const overlap = split.overlap ?? Math.floor(size * DEFAULT_OVERLAP_SHARE);
  if (size > limit) {
    problems.addKey([...path, 'split'], 'size', `size is over ${limit}, the most the service takes`, `size: ${limit}`);
  }
  if (overlap > size / 2) {
    problems.addKey(
      [...path, 'split'],
      'overlap',
      'overlap is more than half of the size',
      `overlap: ${Math.floor(size / 10)}`,
    );
  }
  return { size, overlap, at: split.at === undefined ? DEFAULT_SPLIT.at : new Set(split.at) };
}
