/** Thread messages: what the service takes of them, made of checked parts. Only fields of this kind are sent; the owner never is. */
import type { EventTime } from '../dates/date-reader.js';
import { LIMITS, ROLES, type Metadata, type Role, type WireMessage } from '../../wire.js';
import type { Emission } from './emission.js';
import { oneOf } from './item-fields.js';
import { fitText, type Fitting } from './oversize.js';

const ROLE_SET: ReadonlySet<string> = new Set(ROLES);

export interface MessageParts {
  readonly threadId: string;
  readonly role: string;
  readonly name: string | undefined;
  readonly content: string;
  readonly time: EventTime | undefined;
  readonly metadata: Metadata | undefined;
  readonly owner: string | undefined;
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** Emits a message, or its parts when the text is too long: they share everything but the text. Throws RowError. */
export function emitMessage(parts: MessageParts, fitting: Fitting, emission: Emission): void {
  const role = oneOf<Role>(parts.role, ROLE_SET, 'role');
  const texts = fitText(parts.content, 'content', LIMITS.messageCharacters, fitting, emission);
  for (let index = 0; index < texts.length; index++) {
    const wire: Writable<WireMessage> = {
      type: 'thread_message',
      thread_id: parts.threadId,
      role,
      content: texts[index] ?? '',
    };
    if (parts.name !== undefined) wire.name = parts.name;
    if (parts.time !== undefined) wire.created_at = parts.time.text;
    if (parts.metadata !== undefined) wire.metadata = parts.metadata;
    emission.emit(wire, parts.owner, parts.time, texts.length === 1 ? undefined : { index, of: texts.length });
  }
}
