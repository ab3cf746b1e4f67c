/** Records to items: what the other stages use of the mapping. */
export type { DestinationOverride } from './items/templates.js';
export { DOCUMENTS_MAPPING, documentsMapping, isDocumentRecord } from './documents.js';
export { DateFailure, dateReader } from './dates/date-reader.js';
export { FUNCTIONS, SPECIAL_FORMS } from './functions.js';
export { loadMapping, parseMapping } from './load.js';
export type { Mapper } from './mapper.js';
export type { Mapping } from './mapping.js';
export type { TraceStep } from './trace.js';
export { PRESET_MAPPINGS, presetMapping } from './presets.js';
export { mappingSchema } from './schema.js';
export { explainNotWireItem, wireItemMapper } from './wire-rows.js';
