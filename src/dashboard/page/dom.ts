/**
 * From a description of the page to the page, changing only what differs, so that focus, scrolling and moving bars survive a new frame. Text is
 * set as text and attributes as attributes: there is no way from data to markup.
 */
export interface Node_ {
  readonly tag: string;
  readonly key: string | undefined;
  readonly props: Props;
  readonly children: readonly (Node_ | string)[];
}

export type Child = Node_ | string | number | undefined | false | null | readonly Child[];

export interface Props {
  readonly key?: string;
  readonly class?: string | undefined;
  /** Custom properties and lengths, set one by one: the policy of the page allows no style attributes. */
  readonly style?: Readonly<Record<string, string>>;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
  readonly [attribute: string]: unknown;
}

const SVG = 'http://www.w3.org/2000/svg';
const drawn = new WeakMap<Node, Node_>();

export function h(tag: string, props: Props = {}, ...children: Child[]): Node_ {
  return { tag, key: props.key, props, children: flat(children) };
}

function flat(children: readonly Child[]): (Node_ | string)[] {
  const out: (Node_ | string)[] = [];
  for (const child of children) {
    if (child === undefined || child === null || child === false) continue;
    if (Array.isArray(child)) out.push(...flat(child as readonly Child[]));
    else if (typeof child === 'string' || typeof child === 'number') out.push(String(child));
    else out.push(child as Node_);
  }
  return out;
}

/** Makes the children of `parent` what is described. */
export function draw(parent: Element, ...children: Child[]): void {
  reconcile(parent, flat(children), parent.namespaceURI === SVG);
}

function reconcile(parent: Element, wanted: readonly (Node_ | string)[], isSvg: boolean): void {
  const left = new Set<ChildNode>(parent.childNodes);
  const keyed = new Map<string, ChildNode>();
  for (const node of left) {
    const key = drawn.get(node)?.key;
    if (key !== undefined) keyed.set(key, node);
  }
  const take = (child: Node_ | string): ChildNode | undefined => {
    if (typeof child !== 'string' && child.key !== undefined) {
      const node = keyed.get(child.key);
      return node !== undefined && left.has(node) && drawn.get(node)?.tag === child.tag ? node : undefined;
    }
    for (const node of left) {
      if (typeof child === 'string') {
        if (node.nodeType === Node.TEXT_NODE) return node;
        continue;
      }
      const old = drawn.get(node);
      if (old !== undefined && old.key === undefined && old.tag === child.tag) return node;
    }
    return undefined;
  };
  const nodes = wanted.map((child) => {
    const node = take(child);
    if (node !== undefined) left.delete(node);
    return { child, node };
  });
  for (const node of left) node.remove();
  let at = parent.firstChild;
  for (const { child, node } of nodes) {
    const made = node ?? create(child, isSvg);
    if (typeof child === 'string') {
      if (made.textContent !== child) made.textContent = child;
    } else if (made instanceof Element) update(made, child);
    if (made === at) at = at.nextSibling;
    else parent.insertBefore(made, at);
  }
}

function create(child: Node_ | string, isSvg: boolean): ChildNode {
  if (typeof child === 'string') return document.createTextNode(child);
  return isSvg || child.tag === 'svg' ? document.createElementNS(SVG, child.tag) : document.createElement(child.tag);
}

function update(element: Element, node: Node_): void {
  const before = drawn.get(element)?.props ?? {};
  drawn.set(element, node);
  for (const name of Object.keys(before)) if (!(name in node.props)) clear(element, name, before[name]);
  for (const [name, value] of Object.entries(node.props)) {
    if (before[name] !== value) set(element, name, value, before[name]);
  }
  reconcile(element, node.children, element.namespaceURI === SVG);
}

function set(element: Element, name: string, value: unknown, before: unknown): void {
  if (name === 'key') return;
  if (name === 'style') {
    const { style } = element as HTMLElement;
    const styles = value as Record<string, string>;
    for (const old of Object.keys((before as Record<string, string> | undefined) ?? {})) {
      if (!(old in styles)) style.removeProperty(old);
    }
    for (const [property, text] of Object.entries(styles)) {
      if (style.getPropertyValue(property) !== text) style.setProperty(property, text);
    }
  } else if (name === 'on') {
    for (const [event, listener] of Object.entries(value as Record<string, unknown>)) {
      (element as unknown as Record<string, unknown>)[`on${event}`] = listener;
    }
  } else if (value === undefined || value === false || value === null) {
    element.removeAttribute(name);
  } else {
    const text = value === true ? '' : typeof value === 'string' ? value : JSON.stringify(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

function clear(element: Element, name: string, before: unknown): void {
  if (name === 'style') set(element, name, {}, before);
  else if (name === 'on') {
    for (const event of Object.keys(before as object)) {
      (element as unknown as Record<string, unknown>)[`on${event}`] = null;
    }
  } else if (name !== 'key') element.removeAttribute(name);
}
