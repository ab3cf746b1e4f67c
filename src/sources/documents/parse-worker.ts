/** The other side of `document-parser.ts`: parses documents in a thread that can be ended, whatever a parser does. */
import { parentPort } from 'node:worker_threads';
import { missingPart } from '../../missing-part.js';
import { parseDocument, type ParseRequest } from './parse.js';
import { DocumentError, type ParsedDocument } from './parsed.js';

export type WorkerAnswer =
  { readonly parsed: ParsedDocument } | { readonly refused: { readonly code: string; readonly message: string } };

export type WorkerRequest = Omit<ParseRequest, 'bytes'> & { readonly bytes: Uint8Array };

parentPort?.on('message', (request: WorkerRequest) => {
  void answer(request).then((message) => parentPort?.postMessage(message));
});

async function answer(request: WorkerRequest): Promise<WorkerAnswer> {
  const { buffer, byteOffset, byteLength } = request.bytes;
  try {
    return { parsed: await parseDocument({ ...request, bytes: Buffer.from(buffer, byteOffset, byteLength) }) };
  } catch (error) {
    // It ends the thread, and the import with it: no document is to blame.
    if (missingPart(error) !== undefined) throw error;
    const { message } = error as Error;
    if (error instanceof DocumentError) return { refused: { code: error.code, message } };
    return { refused: { code: 'damaged', message: `this document cannot be read (${message})` } };
  }
}
