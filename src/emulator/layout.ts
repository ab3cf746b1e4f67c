/**
 * What processing must know of an add call without reading its body again: the distinct destinations it names, which one each item goes
 * to, and what each item is (an episode and its data type, or a message and its role) as one byte.
 */
import { DATA_TYPES, ROLES, type DataType, type Role, type WireItem } from '../wire.js';
import { badRequest } from './answer.js';

export type TargetKind = 'user' | 'graph' | 'thread';

export interface ItemTarget {
  readonly kind: TargetKind;
  readonly id: string;
}

export interface ChunkLayout {
  readonly targets: readonly ItemTarget[];
  readonly targetOf: Uint16Array;
  readonly types: Uint8Array;
}

/** Where a checked item goes. */
export function targetOfItem(item: WireItem): ItemTarget {
  if (item.type === 'thread_message') return { kind: 'thread', id: item.thread_id };
  const { user_id: user } = item;
  return typeof user === 'string' && user !== ''
    ? { kind: 'user', id: user }
    : { kind: 'graph', id: item.graph_id ?? '' };
}

const FIRST_DATA_TYPE = 16;

export function typeOfRole(role: Role): number {
  return ROLES.indexOf(role) + 1;
}

export function typeOfData(dataType: DataType): number {
  return FIRST_DATA_TYPE + DATA_TYPES.indexOf(dataType);
}

/** The role of a message, or undefined for an episode. */
export function roleOfType(type: number): Role | undefined {
  return type < FIRST_DATA_TYPE ? ROLES[type - 1] : undefined;
}

/** What the service calls the source of an episode: its data type, `message` for a thread message. */
export function sourceOfType(type: number): string {
  return DATA_TYPES[type - FIRST_DATA_TYPE] ?? 'message';
}

/** Collects a layout item by item. Neighbours usually share a destination, which is then found without a look-up. */
export class LayoutBuilder {
  private readonly targets: ItemTarget[] = [];
  private readonly known = {
    user: new Map<string, number>(),
    graph: new Map<string, number>(),
    thread: new Map<string, number>(),
  };
  private readonly targetOf: Uint16Array;
  private readonly types: Uint8Array;
  private lastKind: TargetKind | undefined;
  private lastId = '';
  private lastIndex = 0;

  constructor(items: number) {
    this.targetOf = new Uint16Array(items);
    this.types = new Uint8Array(items);
  }

  set(item: number, kind: TargetKind, id: string, type: number): void {
    this.types[item] = type;
    if (kind !== this.lastKind || id !== this.lastId) {
      this.lastIndex = this.indexOf(kind, id);
      this.lastKind = kind;
      this.lastId = id;
    }
    this.targetOf[item] = this.lastIndex;
  }

  finish(): ChunkLayout {
    return { targets: this.targets, targetOf: this.targetOf, types: this.types };
  }

  private indexOf(kind: TargetKind, id: string): number {
    const known = this.known[kind].get(id);
    if (known !== undefined) return known;
    if (id.includes('\0')) throw badRequest(`${kind}_id must not hold a NUL character`);
    const index = this.targets.length;
    this.targets.push({ kind, id });
    this.known[kind].set(id, index);
    return index;
  }
}
