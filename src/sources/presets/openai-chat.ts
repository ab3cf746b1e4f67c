/** Lines of `messages` arrays, as they are sent to chat models and stored for fine-tuning. */
import type { Position } from '../../model.js';
import { compact, isObject, listOf, textOf, type JsonObject } from './enriched.js';

const IDS = ['conversation_id', 'thread_id', 'session_id', 'custom_id', 'id'] as const;
const TIMES = ['created_at', 'created', 'timestamp'] as const;

/** A row without messages, and one that was handled before, stays as it is. */
export function enrichChat(value: unknown, position: Position): unknown {
  if (!isObject(value) || !Array.isArray(value['messages']) || value['conversation_id_from'] !== undefined)
    return value;
  const metadata = isObject(value['metadata']) ? value['metadata'] : {};
  const own = firstOf(value, IDS) ?? firstOf(metadata, IDS);
  return compact({
    ...value,
    conversation_id: own ?? `${stemOf(position.source.id)}-${position.line}`,
    conversation_id_from: own === undefined ? 'place' : 'data',
    messages: listOf(value['messages']).map((message, index) => messageOf(message, index, value)),
  });
}

function messageOf(message: unknown, index: number, around: JsonObject): JsonObject {
  if (!isObject(message)) return { number: index + 1 };
  const text = textOfContent(message['content']) ?? textOf(message['refusal']) ?? callsOf(message['tool_calls']);
  return compact({
    number: index + 1,
    role: message['role'],
    name: textOf(message['name']),
    text,
    sent_at: firstOf(message, TIMES) ?? firstOf(around, TIMES),
  });
}

function textOfContent(content: unknown): string | undefined {
  if (typeof content === 'string') return textOf(content);
  const parts = listOf(content).flatMap((part) => {
    if (typeof part === 'string') return part;
    if (!isObject(part)) return [];
    const type = textOf(part['type']) ?? '';
    return textOf(part['text']) ?? (type.includes('image') ? '[image]' : type.includes('audio') ? '[audio]' : []);
  });
  return textOf(parts.join('\n'));
}

/** `look_up({"city":"Porto"})`. */
function callsOf(calls: unknown): string | undefined {
  const told = listOf(calls).flatMap((call) => {
    const called = isObject(call) && isObject(call['function']) ? call['function'] : undefined;
    return called === undefined ? [] : `${textOf(called['name']) ?? 'function'}(${textOf(called['arguments']) ?? ''})`;
  });
  return textOf(told.join('\n'));
}

function firstOf(value: JsonObject, names: readonly string[]): string | number | undefined {
  for (const name of names) {
    const each = value[name];
    if (typeof each === 'number' || textOf(each) !== undefined) return each as string | number;
  }
  return undefined;
}

function stemOf(id: string): string {
  return id.slice(Math.max(id.lastIndexOf('/'), id.lastIndexOf('\\')) + 1).replace(/\..*$/, '');
}
