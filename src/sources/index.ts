/** Reads files, folders and pipes into records: the door of this stage. */
export { discoverSources, renumber } from './discover.js';
export type { CsvOptions, SourceNotice, SourceOptions } from './options.js';
export { encodingByName } from './encoding.js';
export { parsePath } from './json-path.js';
export {
  createContentTrails,
  type BeginTrail,
  type ContentTrail,
  type TrailNews,
  type TrailState,
} from './content-trail.js';
