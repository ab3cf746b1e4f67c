/**
 * Conversations of a ChatGPT export. A conversation is a tree, since every edited question and every new answer begins a branch; what is handed on
 * is the branch that the person saw last, as a list of messages.
 */
import { compact, isObject, listOf, textOf, type JsonObject } from './enriched.js';

/** Conversations without a tree, and those that were handled before, stay as they are. */
export function enrichConversation(value: unknown): unknown {
  if (!isObject(value) || !isObject(value['mapping'])) return value;
  const { mapping: _, ...conversation } = value;
  const nodes = value['mapping'];
  const branch = branchOf(nodes, textOf(value['current_node']) ?? newestLeaf(nodes));
  const shown = branch.flatMap((id): JsonObject | readonly never[] => messageOf(id, nodes[id]) ?? []);
  const messages = timed(shown);
  const all = Object.entries(nodes).flatMap(([id, node]) => messageOf(id, node) ?? []);
  return compact({
    ...conversation,
    conversation_id: textOf(value['conversation_id']) ?? textOf(value['id']),
    messages,
    left_out: all.length - messages.length,
  });
}

/** A message without a time takes that of the one before it over, so that it stays behind it wherever messages are put in order. */
function timed(messages: readonly JsonObject[]): readonly JsonObject[] {
  let before: unknown;
  return messages.map((message) => {
    before = message['sent_at'] ?? before;
    return before === undefined ? message : { ...message, sent_at: before };
  });
}

/** From the root to this node. */
function branchOf(nodes: JsonObject, last: string | undefined): readonly string[] {
  const ids: string[] = [];
  const seen = new Set<string>();
  for (let id = last; id !== undefined && !seen.has(id);) {
    const node = nodes[id];
    if (!isObject(node)) break;
    seen.add(id);
    ids.push(id);
    id = textOf(node['parent']);
  }
  return ids.reverse();
}

function newestLeaf(nodes: JsonObject): string | undefined {
  let newest: string | undefined;
  let newestAt = Number.NEGATIVE_INFINITY;
  for (const [id, node] of Object.entries(nodes)) {
    if (!isObject(node) || listOf(node['children']).length > 0) continue;
    const message = isObject(node['message']) ? node['message'] : {};
    const at = typeof message['create_time'] === 'number' ? message['create_time'] : 0;
    if (at >= newestAt) [newest, newestAt] = [id, at];
  }
  return newest;
}

/** Undefined for what was not shown, and for what has no text. */
function messageOf(id: string, node: unknown): JsonObject | undefined {
  const message = isObject(node) && isObject(node['message']) ? node['message'] : undefined;
  if (message === undefined) return undefined;
  const metadata = isObject(message['metadata']) ? message['metadata'] : {};
  const author = isObject(message['author']) ? message['author'] : {};
  const content = isObject(message['content']) ? message['content'] : {};
  if (metadata['is_visually_hidden_from_conversation'] === true) return undefined;
  const text = textOfContent(content);
  if (text === undefined) return undefined;
  return compact({
    message_id: textOf(message['id']) ?? id,
    role: textOf(author['role']),
    name: textOf(author['name']),
    text,
    sent_at: typeof message['create_time'] === 'number' ? message['create_time'] : undefined,
    content_type: textOf(content['content_type']),
    model: textOf(metadata['model_slug']),
  });
}

/** Not shown as parts of a conversation. */
const UNSAID = new Set([
  'user_editable_context',
  'model_editable_context',
  'thoughts',
  'reasoning_recap',
  'system_error',
]);

function textOfContent(content: JsonObject): string | undefined {
  if (UNSAID.has(String(content['content_type']))) return undefined;
  const parts = listOf(content['parts']).flatMap((part) => partOf(part) ?? []);
  return textOf(parts.length > 0 ? parts.join('\n') : (textOf(content['text']) ?? textOf(content['result']) ?? ''));
}

function partOf(part: unknown): string | undefined {
  if (typeof part === 'string') return textOf(part);
  if (!isObject(part)) return undefined;
  const type = textOf(part['content_type']) ?? '';
  if (type.includes('transcription')) return textOf(part['text']);
  if (type.startsWith('image')) return '[image]';
  return textOf(part['text']);
}
