/** A config file as data with places: what both readers of its notation give. Values stay as they are written; flags say what they mean. */
export interface Place {
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

export interface ScalarNode extends Place {
  readonly kind: 'scalar';
  /** As it is written, or what stands between quotes. */
  readonly text: string;
  readonly isQuoted: boolean;
}

export interface ListNode extends Place {
  readonly kind: 'list';
  readonly items: readonly ConfigNode[];
}

export interface MapEntry extends Place {
  readonly key: string;
  readonly value: ConfigNode;
}

export interface MapNode extends Place {
  readonly kind: 'map';
  readonly entries: readonly MapEntry[];
}

export type ConfigNode = ScalarNode | ListNode | MapNode;

/** What YAML 1.2 reads as nothing. */
export function isEmpty(node: ConfigNode): boolean {
  return node.kind === 'scalar' && !node.isQuoted && /^(?:~|null|Null|NULL|)$/.test(node.text);
}

/** What YAML 1.2 reads as true or false; undefined for everything else. */
export function booleanOf(node: ConfigNode): boolean | undefined {
  if (node.kind !== 'scalar' || node.isQuoted) return undefined;
  if (/^(?:true|True|TRUE)$/.test(node.text)) return true;
  return /^(?:false|False|FALSE)$/.test(node.text) ? false : undefined;
}
