/**
 * The wire shapes and documented limits of Zep's Batch API (generation v3, base path /api/v2), shared by the client and the local
 * server and by nothing else in common: the server validates on its own. Sources of every fact: help.getzep.com (adding-batch-data,
 * sdk-reference/batch/*, adding-messages, adding-business-data) and the npm package @getzep/zep-cloud 3.30.0.
 */

export const ROLES = ['user', 'assistant', 'system', 'function', 'tool', 'norole'] as const;
export type Role = (typeof ROLES)[number];
export const DATA_TYPES = ['text', 'json', 'message'] as const;
export type DataType = (typeof DATA_TYPES)[number];

export type MetadataScalar = string | number | boolean;
export type Metadata = Readonly<Record<string, MetadataScalar | readonly MetadataScalar[]>>;

export interface WireEpisode {
  readonly type: 'graph_episode';
  readonly data: string;
  readonly data_type: DataType;
  readonly graph_id?: string;
  readonly user_id?: string;
  readonly created_at?: string;
  readonly metadata?: Metadata;
  readonly source_description?: string;
  readonly document_id?: string;
}

export interface WireMessage {
  readonly type: 'thread_message';
  readonly thread_id: string;
  readonly role: Role;
  readonly content: string;
  readonly name?: string;
  readonly created_at?: string;
  readonly metadata?: Metadata;
}

export type WireItem = WireEpisode | WireMessage;

/** Documented limits. `characters` are counted as code points; see zep-import's docs for what happens at each. */
export const LIMITS = {
  itemsPerAdd: 500,
  /** What newer documents say; the importer falls back to it when a larger add is refused. */
  itemsPerAddFallback: 350,
  itemsPerBatch: 50_000,
  episodeCharacters: 10_000,
  messageCharacters: 4_096,
  metadataKeys: 10,
  nameCharacters: 100,
  sourceDescriptionCharacters: 500,
  documentIdCharacters: 100,
  threadIdCharacters: 500,
  creditBytes: 350,
} as const;

export const BATCH_STATUSES = [
  'draft',
  'invalid',
  'queued',
  'processing',
  'succeeded',
  'partial',
  'failed',
  'canceled',
] as const;
export type BatchStatus = (typeof BATCH_STATUSES)[number];
/** Statuses after which the service does no more work on a batch. */
export const TERMINAL_BATCH_STATUSES: ReadonlySet<string> = new Set([
  'succeeded',
  'partial',
  'failed',
  'canceled',
  'invalid',
]);

export const ITEM_STATUSES = ['pending', 'queued', 'processing', 'succeeded', 'failed', 'skipped', 'canceled'] as const;
export type ItemStatus = (typeof ITEM_STATUSES)[number];

/** Every property of a response is optional in the service's own schema: a client must not assume presence. */
export interface WireProgress {
  readonly total_items?: number;
  readonly queued_items?: number;
  readonly processing_items?: number;
  readonly succeeded_items?: number;
  readonly failed_items?: number;
  readonly skipped_items?: number;
  readonly canceled_items?: number;
  readonly percent_complete?: number;
}

export interface WireBatchSummary {
  readonly batch_id?: string;
  readonly status?: string;
  readonly item_count?: number;
  readonly metadata?: Readonly<Record<string, unknown>> | null;
  readonly ignore_roles?: readonly string[];
  readonly strict_ontology?: boolean;
  readonly progress?: WireProgress | null;
  readonly created_at?: string;
  readonly updated_at?: string;
  readonly processed_at?: string;
  readonly completed_at?: string;
}

export interface WireItemDetail {
  readonly item_id?: string;
  readonly sequence_index?: number;
  readonly kind?: string;
  readonly status?: string;
  readonly error?: unknown;
  readonly episode_uuid?: string;
  readonly source_uuid?: string;
  readonly graph_id?: string;
  readonly user_id?: string;
  readonly thread_id?: string;
  readonly document_id?: string;
  readonly graph_uuid?: string;
  readonly user_uuid?: string;
  readonly created_at?: string;
  readonly updated_at?: string;
}

export interface CreateBatchRequest {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly ignore_roles?: readonly Role[];
  readonly strict_ontology?: boolean;
}
