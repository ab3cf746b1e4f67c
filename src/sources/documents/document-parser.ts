/**
 * Parses documents under a limit of time and memory: the formats that need a large parser are read in a thread of their own, which is ended
 * when a document takes too long or too much. One thread serves all documents, one after the other; it does not keep the process alive.
 */
import { Worker } from 'node:worker_threads';
import { missingPart } from '../../missing-part.js';
import { PACKAGE_ROOT } from '../../package-root.js';
import { parseDocument, SIMPLE_KINDS, type ParseRequest } from './parse.js';
import type { WorkerAnswer, WorkerRequest } from './parse-worker.js';
import { DocumentError, type ParsedDocument } from './parsed.js';

const SCRIPT = new URL('dist/parse-worker.js', PACKAGE_ROOT);
/** Heap of the thread: with the rest of the program the process stays below 300 MB. */
const HEAP_MB = 128;

export class DocumentParser {
  readonly #maxMs: number;
  #worker: Worker | undefined;
  /** The last document that was asked for: each waits for the one before it. */
  #turn: Promise<unknown> = Promise.resolve();

  /** `maxMs`: how long one document may take. */
  constructor(maxMs: number) {
    this.#maxMs = maxMs;
  }

  /** Throws DocumentError. The bytes are gone afterwards: they move to the thread. */
  parse(request: ParseRequest, signal: AbortSignal): Promise<ParsedDocument> {
    const mine = this.#turn.then(() => this.#parse(request, signal));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async #parse(request: ParseRequest, signal: AbortSignal): Promise<ParsedDocument> {
    signal.throwIfAborted();
    if (SIMPLE_KINDS.has(request.kind) || request.bytes.length === 0) return await parseDocument(request);
    const answer = await this.#ask(request, signal);
    if ('parsed' in answer) return answer.parsed;
    const { code, message } = answer.refused;
    throw new DocumentError(code, message);
  }

  #ask(request: ParseRequest, signal: AbortSignal): Promise<WorkerAnswer> {
    const worker = (this.#worker ??= new Worker(SCRIPT, {
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 16 },
      stdout: true,
      stderr: true,
    }));
    worker.ref();
    return new Promise<WorkerAnswer>((resolve, reject) => {
      const listeners = {
        message: (answer: WorkerAnswer): void => {
          end();
          worker.unref();
          resolve(answer);
        },
        error: (error: Error): void => giveUp(endOf(error)),
        exit: (): void => giveUp(endOf(undefined)),
      };
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        for (const [name, listener] of Object.entries(listeners)) worker.off(name, listener);
      };
      const giveUp = (error: Error): void => {
        end();
        this.#worker = undefined;
        worker.on('error', () => undefined);
        void worker.terminate();
        reject(error);
      };
      const abort = (): void => giveUp(signal.reason as Error);
      const timer = setTimeout(() => giveUp(tooSlow(this.#maxMs)), this.#maxMs);
      signal.addEventListener('abort', abort, { once: true });
      for (const [name, listener] of Object.entries(listeners)) worker.on(name, listener);
      const bytes = Uint8Array.from(request.bytes);
      worker.postMessage({ ...request, bytes } satisfies WorkerRequest, [bytes.buffer]);
    });
  }
}

const parsers = new Map<number, DocumentParser>();

/** The parser with this limit: one for the whole program. */
export function documentParser(maxMs: number): DocumentParser {
  const found = parsers.get(maxMs) ?? new DocumentParser(maxMs);
  parsers.set(maxMs, found);
  return found;
}

function tooSlow(ms: number): DocumentError {
  return new DocumentError(
    'document-too-slow',
    `this document takes longer than ${ms / 1000} s to read: it may be damaged; --max-document-seconds raises the limit`,
  );
}

/** What it means that the thread ended. */
function endOf(error: Error | undefined): Error {
  const missing = missingPart(error);
  if (missing !== undefined) return missing;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (error === undefined || code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new DocumentError(
      'document-too-large',
      'this document needs too much memory to be read: split it, or save it in a simpler format',
    );
  }
  return new DocumentError('damaged', `this document cannot be read (${error.message})`);
}
