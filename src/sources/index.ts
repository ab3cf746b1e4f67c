/** Reads files, folders and pipes into records: the door of this stage. */
export { discoverSources } from './discover.js';
export type { CsvOptions, SourceNotice, SourceOptions } from './options.js';
export { encodingByName } from './encoding.js';
export { parsePath } from './json-path.js';
