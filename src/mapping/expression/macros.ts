/**
 * Forms that see their arguments before these are evaluated: comprehensions with a variable, `has`, `coalesce` and `cel.bind`. A missing
 * list is an empty one for questions (`all`, `exists`) and stays missing for lists made of it (`map`, `filter`, `sort`). An object is
 * gone through by its keys.
 */
import { compareForSort } from '../function-bodies.js';
import type { Read } from '../names.js';
import type { Scope } from '../scope.js';
import type { CallSite } from './call-site.js';
import { compileNode, siteOf, type Place } from './compile.js';
import { nameAt } from './mask.js';
import { truth } from './operators.js';
import { ExpressionMistake, type ASTNode } from './parse.js';
import { isObject } from './values.js';

/** One pass over a list with a variable: what it gives for the elements. */
type Comprehension = (each: Each, body: Read, site: CallSite, further: Read | undefined) => Read;

const COMPREHENSIONS: Readonly<Record<string, Comprehension>> = {
  all: (each, body, site) => (scope) => each.elements(scope)?.every((x) => each.test(scope, x, body, site)) ?? true,
  exists: (each, body, site) => (scope) => each.elements(scope)?.some((x) => each.test(scope, x, body, site)) ?? false,
  exists_one: (each, body, site) => (scope) =>
    (each.elements(scope)?.filter((x) => each.test(scope, x, body, site)).length ?? 0) === 1,
  filter: (each, body, site) => (scope) => each.elements(scope)?.filter((x) => each.test(scope, x, body, site)) ?? null,
  map: (each, body, site, further) => {
    if (further === undefined) return (scope) => each.elements(scope)?.map((x) => each.of(scope, x, body)) ?? null;
    return (scope) => {
      const kept = each.elements(scope)?.filter((x) => each.test(scope, x, body, site));
      return kept?.map((x) => each.of(scope, x, further)) ?? null;
    };
  },
  sort: (each, body, site) => (scope) => {
    const keyed = each.elements(scope)?.map((x) => ({ x, key: each.of(scope, x, body) }));
    return keyed?.sort((a, b) => compareForSort(a.key, b.key, site, scope)).map(({ x }) => x) ?? null;
  },
};

/** A list and the slot of the variable that stands for its elements. */
class Each {
  readonly #list: Read;
  readonly #slot: number;
  readonly #site: CallSite;

  constructor(list: Read, slot: number, site: CallSite) {
    this.#list = list;
    this.#slot = slot;
    this.#site = site;
  }

  /** The elements, or undefined when the list is missing. */
  elements(scope: Scope): readonly unknown[] | undefined {
    const value = this.#list(scope);
    if (value === null || value === undefined) return undefined;
    const elements = isObject(value) ? Object.keys(value) : value;
    if (!Array.isArray(elements)) throw this.#site.wrongType(scope, 0, value, 'a list');
    scope.charge(elements.length);
    return elements as readonly unknown[];
  }

  of(scope: Scope, value: unknown, body: Read): unknown {
    scope.charge(1);
    scope.locals[this.#slot] = value;
    return body(scope);
  }

  test(scope: Scope, value: unknown, body: Read, site: CallSite): boolean {
    return truth(this.of(scope, value, body), scope, site, 0);
  }
}

/** Whether a call is one of these forms. `sort` of a list alone is an ordinary function. */
export function isMacro(name: string, args: readonly ASTNode[]): boolean {
  if (name === 'has' || name === 'coalesce') return true;
  if (!Object.hasOwn(COMPREHENSIONS, name)) return false;
  return args.length === 3 || (name === 'map' && args.length === 4);
}

export function compileMacro(node: ASTNode, name: string, args: readonly ASTNode[], place: Place): Read {
  switch (name) {
    case 'has':
      return compileHas(node, args, place);
    case 'coalesce':
      return compileCoalesce(node, args, place);
    case 'cel.bind':
      return compileBind(node, args, place);
    default:
      return compileComprehension(name, args, place);
  }
}

function compileHas(node: ASTNode, args: readonly ASTNode[], place: Place): Read {
  const [arg] = args;
  if (arg === undefined || args.length > 1)
    throw new ExpressionMistake('has takes one value: has(row.name)', node.start);
  const read = compileNode(arg, place);
  return (scope) => read(scope) !== null;
}

function compileCoalesce(node: ASTNode, args: readonly ASTNode[], place: Place): Read {
  if (args.length === 0) throw new ExpressionMistake('coalesce takes at least one value', node.start);
  const readers = args.map((each) => compileNode(each, place));
  return (scope) => {
    for (const read of readers) {
      const value = read(scope);
      if (value !== null) return value;
    }
    return null;
  };
}

function compileBind(node: ASTNode, args: readonly ASTNode[], place: Place): Read {
  const [variable, value, body] = args;
  if (variable === undefined || value === undefined || body === undefined || args.length > 3) {
    throw new ExpressionMistake('cel.bind takes a name, a value and an expression', node.start);
  }
  const read = compileNode(value, place);
  const inner = withVariable(variable, place);
  const bodyOf = compileNode(body, inner.place);
  return (scope) => {
    scope.locals[inner.slot] = read(scope);
    return bodyOf(scope);
  };
}

function compileComprehension(name: string, args: readonly ASTNode[], place: Place): Read {
  const [list, variable, body, further] = args;
  const comprehension = COMPREHENSIONS[name];
  if (list === undefined || variable === undefined || body === undefined || comprehension === undefined) {
    throw new RangeError(`no comprehension ${name}`);
  }
  const inner = withVariable(variable, place);
  const each = new Each(compileNode(list, place), inner.slot, siteOf(name, [list], place));
  const furtherOf = further === undefined ? undefined : compileNode(further, inner.place);
  return comprehension(each, compileNode(body, inner.place), siteOf(name, [body], inner.place), furtherOf);
}

/** The place inside a form that names a value: its variable wins over columns and context. */
function withVariable(variable: ASTNode, place: Place): { readonly slot: number; readonly place: Place } {
  if (variable.op !== 'id')
    throw new ExpressionMistake('a name for the elements was expected', variable.start, 'as in list.map(x, x.id)');
  // Slots are by depth: forms beside one another never run at the same time, forms inside one another do.
  const slot = place.variables.size === 0 ? 0 : Math.max(...place.variables.values()) + 1;
  const name = nameAt(place.text, variable.start) ?? variable.args;
  return { slot, place: { ...place, variables: new Map([...place.variables, [name, slot]]) } };
}
