/**
 * JSON byte by byte: an automaton that accepts exactly RFC 8259 and can stop between any two bytes. It serves where no value is wanted:
 * the parts of a document around the records, and finding the place and reason of damage in a text that JSON.parse refused (its own
 * messages differ between engines and quote the data).
 */
const enum State {
  Value,
  ValueOrEnd,
  NameOrEnd,
  Name,
  Colon,
  After,
  Text,
  Escape,
  Hex,
  Minus,
  Zero,
  Whole,
  Point,
  Fraction,
  Power,
  PowerSign,
  PowerDigits,
  Word,
}

export interface JsonFault {
  /** Index of the byte that cannot stand there. */
  readonly at: number;
  readonly reason: string;
}

const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const CLOSE_OBJECT = 0x7d;
const CLOSE_ARRAY = 0x5d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isHex = (byte: number): boolean =>
  isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);

const WORDS = new Map([
  [0x74, 'true'],
  [0x66, 'false'],
  [0x6e, 'null'],
]);

export class JsonGrammar {
  #state = State.Value;
  /** Kinds of the open containers; grows with the nesting. */
  #stack = new Uint8Array(64);
  #depth = 0;
  #word = '';
  #counted = 0;
  #inName = false;
  #fault = '';
  #afterComma = false;

  get depth(): number {
    return this.#depth;
  }

  /** Inside a text, where brackets and commas mean nothing. */
  get inText(): boolean {
    return this.#state === State.Text || this.#state === State.Escape || this.#state === State.Hex;
  }

  /** Why the last byte did not fit. */
  get fault(): string {
    return this.#fault;
  }

  /** A whole value was read and nothing is open. A number counts as whole as soon as it could end. */
  get complete(): boolean {
    if (this.#depth > 0) return false;
    return this.#state === State.After || this.#numberMayEnd();
  }

  /** Reads on; tells the first byte that does not fit, or undefined when all do. After a fault the automaton is of no more use. */
  feed(bytes: Uint8Array, from: number, to: number): JsonFault | undefined {
    for (let i = from; i < to; i++) {
      if (!this.step(bytes[i] ?? 0)) return { at: i, reason: this.#fault };
    }
    return undefined;
  }

  /** Why a text that ends here is not whole. */
  missing(): string {
    if (this.inText) return 'the text in quotes is not closed';
    const open = this.#depth > 0 ? this.#stack[this.#depth - 1] : undefined;
    if (open === OPEN_OBJECT) return "it ends too early: '}' is missing";
    if (open === OPEN_ARRAY) return "it ends too early: ']' is missing";
    return 'it ends too early: a value is missing';
  }

  /** Says that a value was read elsewhere and ended here. */
  valueDone(): void {
    this.#state = State.After;
    this.#afterComma = false;
  }

  /** One byte. False when it cannot stand here. */
  step(byte: number): boolean {
    switch (this.#state) {
      case State.Text:
        return this.#inText(byte);
      case State.Escape:
        if (byte === 0x75) {
          this.#state = State.Hex;
          this.#counted = 0;
          return true;
        }
        if (!ESCAPES.has(byte)) return this.#fail('a backslash in text must be followed by one of " \\ / b f n r t u');
        this.#state = State.Text;
        return true;
      case State.Hex:
        if (!isHex(byte)) return this.#fail('\\u in text needs four hexadecimal digits');
        this.#counted++;
        if (this.#counted === 4) this.#state = State.Text;
        return true;
      case State.Word:
        if (byte !== this.#word.charCodeAt(this.#counted)) return this.#fail(`expected ${this.#word}`);
        this.#counted++;
        if (this.#counted === this.#word.length) this.valueDone();
        return true;
      case State.Minus:
      case State.Zero:
      case State.Whole:
      case State.Point:
      case State.Fraction:
      case State.Power:
      case State.PowerSign:
      case State.PowerDigits:
        return this.#inNumber(byte);
      case State.Value:
      case State.ValueOrEnd:
      case State.Name:
      case State.NameOrEnd:
      case State.Colon:
      case State.After:
        return isBlank(byte) || this.#between(byte);
    }
  }

  #inText(byte: number): boolean {
    if (byte === QUOTE) {
      if (this.#inName) this.#state = State.Colon;
      else this.valueDone();
    } else if (byte === BACKSLASH) {
      this.#state = State.Escape;
    } else if (byte < 0x20) {
      return this.#fail(
        byte === 0x0a
          ? 'a line ends inside text: a quote is missing, or \\n must be written'
          : 'a control character in text',
      );
    }
    return true;
  }

  #between(byte: number): boolean {
    const state = this.#state;
    if (state === State.After) return this.#after(byte);
    if (state === State.Value || state === State.ValueOrEnd) return this.#startValue(byte);
    if (state === State.Colon) {
      if (byte !== 0x3a) return this.#fail("expected ':' after the name");
      this.#state = State.Value;
      return true;
    }
    if (byte === QUOTE) {
      this.#inName = true;
      this.#state = State.Text;
      return true;
    }
    if (byte !== CLOSE_OBJECT) return this.#fail('expected a name in double quotes');
    return state === State.NameOrEnd ? this.#close() : this.#fail("a ',' stands before '}'");
  }

  #startValue(byte: number): boolean {
    const mayEnd = this.#state === State.ValueOrEnd;
    this.#inName = false;
    const word = WORDS.get(byte);
    if (byte === QUOTE) this.#state = State.Text;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#open(byte);
    else if (byte === 0x2d) this.#state = State.Minus;
    else if (byte === 0x30) this.#state = State.Zero;
    else if (isDigit(byte)) this.#state = State.Whole;
    else if (word !== undefined) {
      this.#state = State.Word;
      this.#word = word;
      this.#counted = 1;
    } else if (byte === CLOSE_ARRAY && mayEnd) return this.#close();
    else if (byte === CLOSE_ARRAY && this.#afterComma) return this.#fail("a ',' stands before ']'");
    else return this.#fail('expected a value');
    return true;
  }

  #after(byte: number): boolean {
    const open = this.#depth > 0 ? this.#stack[this.#depth - 1] : undefined;
    if (open === undefined) return this.#fail('there is more text after the end of the value');
    if (byte === 0x2c) {
      this.#state = open === OPEN_OBJECT ? State.Name : State.Value;
      this.#afterComma = true;
      return true;
    }
    const closing = open === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY;
    if (byte === closing) return this.#close();
    return this.#fail(`expected ',' or '${String.fromCharCode(closing)}'`);
  }

  #inNumber(byte: number): boolean {
    const state = this.#state;
    if (state === State.Minus) {
      if (!isDigit(byte)) return this.#fail("a digit is missing after '-'");
      this.#state = byte === 0x30 ? State.Zero : State.Whole;
      return true;
    }
    if (state === State.Point) {
      if (!isDigit(byte)) return this.#fail("a digit is missing after '.'");
      this.#state = State.Fraction;
      return true;
    }
    if (state === State.Power && (byte === 0x2b || byte === 0x2d)) {
      this.#state = State.PowerSign;
      return true;
    }
    return state === State.Power || state === State.PowerSign ? this.#powerDigit(byte) : this.#afterDigits(byte);
  }

  #powerDigit(byte: number): boolean {
    if (!isDigit(byte)) return this.#fail('a digit is missing in the exponent');
    this.#state = State.PowerDigits;
    return true;
  }

  #afterDigits(byte: number): boolean {
    const state = this.#state;
    if (isDigit(byte)) return state === State.Zero ? this.#fail('a number cannot begin with 0') : true;
    if (byte === 0x2e && (state === State.Zero || state === State.Whole)) {
      this.#state = State.Point;
      return true;
    }
    if ((byte === 0x65 || byte === 0x45) && state !== State.PowerDigits) {
      this.#state = State.Power;
      return true;
    }
    this.valueDone();
    return isBlank(byte) || this.#after(byte);
  }

  #numberMayEnd(): boolean {
    const state = this.#state;
    return state === State.Zero || state === State.Whole || state === State.Fraction || state === State.PowerDigits;
  }

  #open(byte: number): void {
    if (this.#depth === this.#stack.length) {
      const larger = new Uint8Array(this.#stack.length * 2);
      larger.set(this.#stack);
      this.#stack = larger;
    }
    this.#stack[this.#depth++] = byte;
    this.#state = byte === OPEN_OBJECT ? State.NameOrEnd : State.ValueOrEnd;
    this.#afterComma = false;
  }

  #close(): boolean {
    this.#depth--;
    this.valueDone();
    return true;
  }

  #fail(reason: string): false {
    this.#fault = reason;
    return false;
  }
}

const ESCAPES = new Set([QUOTE, BACKSLASH, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74]);

/** Where and why `bytes[start, end)` is not one JSON value; undefined when it is one. An early end is told at `end`. */
export function findJsonFault(bytes: Uint8Array, start: number, end: number): JsonFault | undefined {
  const grammar = new JsonGrammar();
  const fault = grammar.feed(bytes, start, end);
  if (fault !== undefined) return fault;
  return grammar.complete ? undefined : { at: end, reason: grammar.missing() };
}

/** 1-based line and column (in characters) of a byte, counted from `start`, which stands on `line`. */
export function placeOf(bytes: Buffer, start: number, at: number, line: number): { line: number; column: number } {
  let lineStart = start;
  let lines = line;
  for (let i = bytes.indexOf(0x0a, start); i >= 0 && i < at; i = bytes.indexOf(0x0a, i + 1)) {
    lines++;
    lineStart = i + 1;
  }
  return { line: lines, column: bytes.toString('utf8', lineStart, at).length + 1 };
}
