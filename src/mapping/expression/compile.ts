/**
 * Syntax tree to closures: everything that can be known from the text is decided here, once, so that a row only calls functions.
 */
import { FUNCTIONS, type FunctionSpec } from '../functions.js';
import { compileName, UnknownName, type NameUse, type Read } from '../names.js';
import { pathReader, plainPath, type Segment } from '../paths.js';
import { CallSite } from './call-site.js';
import { compileMacro, isMacro } from './macros.js';
import { nameAt } from './mask.js';
import { compileBinary, element, negate, truth } from './operators.js';
import { ExpressionMistake, parseExpression, type ASTNode } from './parse.js';
import { unknownFunction } from './unknown-function.js';

/** Where an expression stands: how many `each` are open around it, what it uses of the row, and the variables it sees. */
export interface Place {
  readonly text: string;
  readonly level: number;
  readonly use: NameUse;
  /** Slots of comprehension variables by name. */
  readonly variables: ReadonlyMap<string, number>;
}

/** Compiles an expression for rows of a level; throws ExpressionMistake. The result gives null for missing, never undefined. */
export function compileExpression(text: string, level: number, use: NameUse): Read {
  const path = plainPath(text.trim());
  if (path !== undefined) return compilePath(path, text.indexOf(text.trim()), level, use);
  try {
    return compileNode(parseExpression(text), { text, level, use, variables: new Map() });
  } catch (error) {
    if (error instanceof RangeError) throw new ExpressionMistake('the expression is nested too deeply', 0);
    throw error;
  }
}

/** A path that begins with a context name or a column. */
function compilePath(path: readonly Segment[], offset: number, level: number, use: NameUse): Read {
  const dotted = path.every((each) => each.isDotted);
  const whole = dotted ? path.map((each) => each.key).join('.') : undefined;
  try {
    return compileName(path, whole, level, use);
  } catch (error) {
    if (!(error instanceof UnknownName)) throw error;
    throw new ExpressionMistake(`source has no member "${error.unknown}"`, offset, `it has ${error.known.join(', ')}`);
  }
}

/** The expression below a node as it is written, for sentences. */
export function written(node: ASTNode, place: Place): string {
  const text = place.text.slice(node.start, node.end).replace(/\s+/g, ' ').trim();
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

export function siteOf(name: string, operands: readonly ASTNode[], place: Place): CallSite {
  return new CallSite(
    name,
    operands.map((each) => written(each, place)),
  );
}

export function compileNode(node: ASTNode, place: Place): Read {
  switch (node.op) {
    case 'value':
      return constant(literalOf(node));
    case 'id':
    case '.':
    case '[]':
      return compileAccess(node, place);
    case 'list':
      return compileList(node.args, place);
    case 'map':
      return compileMap(node.args, place);
    case '?:':
      return compileChoice(node.args, place);
    case '||':
    case '&&':
      return compileLogic(node.op, node.args, place);
    case '!_': {
      const site = siteOf('!', [node.args], place);
      const operand = compileNode(node.args, place);
      return (scope) => !truth(operand(scope), scope, site, 0);
    }
    case '-_':
      return negate(compileNode(node.args, place), siteOf('-', [node.args], place));
    case '==':
    case '!=':
      return nullTest(node.op, node.args, place) ?? compileOperator(node.op, node.args, place);
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
    case 'in':
      return compileOperator(node.op, node.args, place);
    case 'call':
      return compileCall(node, node.args[0], node.args[1], place);
    case 'rcall': {
      const [name, receiver, args] = node.args;
      if (name === 'bind' && receiver.op === 'id' && receiver.args === 'cel') {
        return compileMacro(node, 'cel.bind', args, place);
      }
      return compileCall(node, name, [receiver, ...args], place);
    }
    case '.?':
    case '[?]':
      throw new ExpressionMistake('.? is not needed', node.start, 'a missing name is null: write a dot');
  }
}

function constant(value: unknown): Read {
  return () => value;
}

function literalOf(node: ASTNode & { readonly op: 'value' }): unknown {
  const value = node.args;
  if (value instanceof Uint8Array) throw new ExpressionMistake('bytes have no use here', node.start, 'leave out the b');
  if (typeof value === 'bigint') return safeNumber(value, node.start);
  if (typeof value === 'object' && value !== null) return safeNumber(value.value, node.start);
  return value;
}

function safeNumber(value: bigint, offset: number): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new ExpressionMistake('the number has more digits than a number holds exactly', offset, 'put it in quotes');
}

/** `x == null` asks whether x is missing; every other comparison with a missing value is false. */
function nullTest(operator: '==' | '!=', [left, right]: readonly [ASTNode, ASTNode], place: Place): Read | undefined {
  const isNull = (node: ASTNode): boolean => node.op === 'value' && node.args === null;
  if (!isNull(left) && !isNull(right)) return undefined;
  const operand = compileNode(isNull(right) ? left : right, place);
  return operator === '==' ? (scope) => operand(scope) === null : (scope) => operand(scope) !== null;
}

type Operator = Parameters<typeof compileBinary>[0];

function compileOperator(operator: Operator, [left, right]: readonly [ASTNode, ASTNode], place: Place): Read {
  const site = siteOf(operator, [left, right], place);
  return compileBinary(operator, compileNode(left, place), compileNode(right, place), site);
}

function compileChoice([condition, yes, no]: readonly [ASTNode, ASTNode, ASTNode], place: Place): Read {
  const site = siteOf('?', [condition], place);
  const [test, first, second] = [compileNode(condition, place), compileNode(yes, place), compileNode(no, place)];
  return (scope) => (truth(test(scope), scope, site, 0) ? first(scope) : second(scope));
}

function compileLogic(operator: '||' | '&&', [left, right]: readonly [ASTNode, ASTNode], place: Place): Read {
  const site = siteOf(operator, [left, right], place);
  const [first, second] = [compileNode(left, place), compileNode(right, place)];
  if (operator === '&&') {
    return (scope) => truth(first(scope), scope, site, 0) && truth(second(scope), scope, site, 1);
  }
  return (scope) => truth(first(scope), scope, site, 0) || truth(second(scope), scope, site, 1);
}

function compileList(nodes: readonly ASTNode[], place: Place): Read {
  const readers = nodes.map((each) => compileNode(each, place));
  return (scope) => {
    scope.charge(readers.length);
    return readers.map((read) => read(scope));
  };
}

function compileMap(members: readonly (readonly [ASTNode, ASTNode])[], place: Place): Read {
  const readers = members.map(([key, value]) => [compileNode(key, place), compileNode(value, place)] as const);
  const site = siteOf(
    'a key',
    members.map(([key]) => key),
    place,
  );
  return (scope) => {
    scope.charge(readers.length);
    const pairs = readers.map(([readKey, readValue], index) => {
      const key = readKey(scope);
      if (typeof key !== 'string' && typeof key !== 'number') throw site.wrongType(scope, index, key, 'text');
      return [String(key), readValue(scope)] as const;
    });
    return Object.fromEntries(pairs);
  };
}

/** A chain of names and fixed places is one path; anything else is read step by step. */
function compileAccess(node: ASTNode, place: Place): Read {
  const path = pathOf(node, place);
  if (path !== undefined) {
    const slot = path[0]?.isDotted === true ? place.variables.get(String(path[0].key)) : undefined;
    if (slot === undefined) return compilePath(path, node.start, place.level, place.use);
    const read = pathReader(path.slice(1).map((each) => each.key));
    return (scope) => read(scope.locals[slot]) ?? null;
  }
  if (node.op === '.') {
    const base = compileNode(node.args[0], place);
    const read = pathReader([memberName(node, place)]);
    return (scope) => read(base(scope)) ?? null;
  }
  if (node.op !== '[]') throw new ExpressionMistake('a name was expected', node.start);
  const [container, key] = node.args;
  const site = siteOf('[ ]', [container, key], place);
  const [readContainer, readKey] = [compileNode(container, place), compileNode(key, place)];
  return (scope) => element(readContainer(scope), readKey(scope), scope, site);
}

function memberName(node: ASTNode & { readonly op: '.' }, place: Place): string {
  return nameAt(place.text, node.pos) ?? node.args[1];
}

function pathOf(node: ASTNode, place: Place): Segment[] | undefined {
  if (node.op === 'id') return [{ key: nameAt(place.text, node.start) ?? node.args, isDotted: true }];
  if (node.op === '.') {
    const base = pathOf(node.args[0], place);
    base?.push({ key: memberName(node, place), isDotted: true });
    return base;
  }
  if (node.op !== '[]') return undefined;
  const [container, key] = node.args;
  const fixed = key.op === 'value' ? literalOf(key) : undefined;
  if (typeof fixed !== 'string' && (typeof fixed !== 'number' || !Number.isInteger(fixed) || fixed < 0))
    return undefined;
  const base = pathOf(container, place);
  base?.push({ key: fixed, isDotted: false });
  return base;
}

function compileCall(node: ASTNode, name: string, args: readonly ASTNode[], place: Place): Read {
  if (isMacro(name, args)) return compileMacro(node, name, args, place);
  const spec = FUNCTIONS.get(name);
  if (spec === undefined) {
    const real = node.op === 'call' ? (nameAt(place.text, node.start) ?? name) : name;
    throw unknownFunction(real, node.start);
  }
  if (args.length < spec.least || args.length > spec.most) {
    throw new ExpressionMistake(`${name} takes ${spec.name}(${spec.parameters})`, node.start);
  }
  const readers = args.map((each, index) => preparedArgument(spec, index, each, place));
  return callReader(spec, readers, siteOf(name, args, place));
}

function preparedArgument(spec: FunctionSpec, index: number, node: ASTNode, place: Place): Read {
  const prepared = node.op === 'value' ? spec.prepare?.(index, literalOf(node)) : undefined;
  if (prepared === undefined) return compileNode(node, place);
  if ('problem' in prepared) throw new ExpressionMistake(prepared.problem, node.start);
  return constant(prepared.value);
}

function callReader(spec: FunctionSpec, readers: readonly Read[], site: CallSite): Read {
  const [first] = readers;
  const ifMissing = spec.onMissing === 'false' ? false : null;
  const seesMissing = spec.onMissing === 'own';
  if (first !== undefined && readers.length === 1) {
    return (scope) => {
      const value = first(scope);
      return value === null && !seesMissing ? ifMissing : spec.apply(site, scope, [value]);
    };
  }
  const [, second] = readers;
  if (first !== undefined && second !== undefined && readers.length === 2) {
    return (scope) => {
      const values = [first(scope), second(scope)];
      return values[0] === null && !seesMissing ? ifMissing : spec.apply(site, scope, values);
    };
  }
  return (scope) => {
    const values = readers.map((read) => read(scope));
    return values[0] === null && !seesMissing ? ifMissing : spec.apply(site, scope, values);
  };
}
