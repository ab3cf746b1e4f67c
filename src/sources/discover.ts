/**
 * From what a person typed to the list of inputs, in the order they will be read. Everything that can be known without reading is
 * checked here: that the files exist and can be opened, that none is named twice, what format and compression they have. Files are
 * opened again, one at a time, when they are read.
 */
import { constants, createReadStream } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { usageError } from '../errors.js';
import type { DocumentKind, Source, SourceFormat, SourceInfo } from '../model.js';
import { FileInput, PrefixedInput, readHead, StreamInput, type ByteInput } from './byte-input.js';
import { compressionByContent, compressionByName } from './compression.js';
import { documentParser } from './documents/document-parser.js';
import { DEFAULT_MAX_DOCUMENT_MS, openDocument } from './documents/document-source.js';
import { documentKindByContent, documentKindByName } from './documents/kinds.js';
import { encodingByName } from './encoding.js';
import { expandArgument } from './expand.js';
import { formatByName } from './formats.js';
import { inspect, plainHead } from './inspect.js';
import { openSource, HEAD_BYTES } from './open-source.js';
import type { SourceOptions } from './options.js';

const STDIN = '-';
const NEVER = new AbortController().signal;

/**
 * The sources named by `args`: files, patterns, folders (their files of known formats, recursively) and `-` for stdin, in that order,
 * patterns and folders in natural sort order. Throws usage errors that name the path and what to do.
 */
export async function discoverSources(args: readonly string[], options: SourceOptions): Promise<Source[]> {
  const { preset } = options;
  if (preset !== undefined) {
    const { discoverExport } = await import('./presets/index.js');
    return await discoverExport(preset, args, options, discoverFiles);
  }
  return await discoverFiles(args, options);
}

async function discoverFiles(args: readonly string[], options: SourceOptions): Promise<Source[]> {
  // Mistakes in the options are told before any file is touched.
  if (options.encoding !== undefined) encodingByName(options.encoding);
  const seen = new Map<string, string>();
  const sources: Source[] = [];
  for (const arg of args) {
    for (const path of arg === STDIN ? [STDIN] : await expandArgument(arg, options)) {
      await refuseTwice(path, options, seen);
      const label = options.as ?? { id: idOf(path), index: sources.length };
      sources.push(path === STDIN ? await fromStdin(label, options) : await fromPath(path, label, options));
    }
  }
  if (sources.length === 0) throw usageError('no-sources', 'no sources given', 'Name files, folders or -, for stdin.');
  return sources;
}

/** The path as it was named; a file called like the id of standard input gets another. */
function idOf(path: string): string {
  if (path === STDIN) return 'stdin';
  return path === 'stdin' ? './stdin' : path;
}

type Label = Pick<SourceInfo, 'id' | 'index'>;

async function refuseTwice(path: string, options: SourceOptions, seen: Map<string, string>): Promise<void> {
  const real = path === STDIN ? STDIN : await realpath(resolve(options.cwd ?? '.', path)).catch(() => path);
  const earlier = seen.get(real);
  seen.set(real, path);
  if (earlier === undefined) return;
  const same = earlier === path ? '' : ` (also named as ${earlier})`;
  throw usageError(
    'duplicate-source',
    `${path === STDIN ? 'stdin' : path} is given twice${same}`,
    'Name every source once.',
  );
}

async function fromPath(path: string, label: Label, options: SourceOptions): Promise<Source> {
  const absolute = resolve(options.cwd ?? '.', path);
  try {
    await access(absolute, constants.R_OK);
    const facts = await stat(absolute);
    if (!facts.isFile()) return await fromPipe(streamInput(createReadStream(absolute)), label, path, options);
    const head = await headOf(new FileInput(absolute));
    const file = { path: absolute, modifiedMs: facts.mtimeMs, inode: facts.ino };
    const { kind, ...natural } = await nature(head, path, label.id, options);
    const info = { ...label, bytes: facts.size, ...natural, file };
    return sourceOf(info, kind, options, () => new FileInput(absolute, facts.size));
  } catch (error) {
    throw cannotOpen(path, error);
  }
}

async function headOf(input: ByteInput): Promise<Buffer> {
  try {
    return (await readHead(input, HEAD_BYTES, NEVER)).bytes;
  } finally {
    await input.close();
  }
}

async function fromStdin(label: Label, options: SourceOptions): Promise<Source> {
  const { stdin } = options;
  if (stdin === undefined) throw usageError('no-stdin', 'there is no standard input to read', 'Name a file.');
  return await fromPipe(streamInput(stdin), label, '', options);
}

/** A stream that somebody may be waiting on for ever must be destroyed to end the wait. */
function streamInput(stream: AsyncIterable<Uint8Array>): StreamInput {
  const { destroy } = stream as { destroy?: unknown };
  const release = async (): Promise<void> => {
    if (typeof destroy === 'function') (stream as Readable).destroy();
  };
  return new StreamInput(stream, { release });
}

/** A pipe is read once: what was looked at is put back in front of it. */
async function fromPipe(input: ByteInput, label: Label, name: string, options: SourceOptions): Promise<Source> {
  const head = await readHead(input, HEAD_BYTES, NEVER);
  const { kind, ...natural } = await nature(head.bytes, name, label.id, options);
  const info = { ...label, bytes: undefined, ...natural };
  let opened = false;
  return sourceOf(info, kind, options, () => {
    if (opened) throw usageError('unreadable-source', `${label.id} is a pipe and was read already`);
    opened = true;
    return new PrefixedInput(head, 0, input);
  });
}

function sourceOf(
  info: SourceInfo,
  kind: DocumentKind | undefined,
  options: SourceOptions,
  open: () => ByteInput,
): Source {
  if (kind === undefined) return openSource(info, options, open);
  const parser = documentParser(options.maxDocumentMs ?? DEFAULT_MAX_DOCUMENT_MS);
  return openDocument(info, kind, parser, options, open);
}

interface Nature {
  readonly format: SourceFormat;
  readonly compression: SourceInfo['compression'];
  /** Of a document. */
  readonly kind: DocumentKind | undefined;
}

/** Format and compression, by name and by the first bytes. */
async function nature(head: Buffer, path: string, id: string, options: SourceOptions): Promise<Nature> {
  const named = compressionByName(path);
  // The first bytes are right where the name is silent, and also where a name ends in .gz but the file was unpacked under it.
  const found = compressionByContent(head);
  const compression = named.compression === 'brotli' ? 'brotli' : found;
  if (named.compression !== 'none' && compression === 'none' && head.length > 0) {
    options.notice?.(
      'not-compressed',
      `${id} is no ${named.compression} data, whatever its name says: it is read as it is`,
    );
  }
  const wanted = options.format === 'auto' ? undefined : options.format;
  const format = wanted ?? (await inspect(head, compression, formatByName(named.inner), options.encoding, id));
  const kind =
    format === 'document' ? (options.documentKind ?? (await kindOf(named.inner, head, compression))) : undefined;
  return { format, compression, kind };
}

/** PDF and Word tell by their first bytes, whatever they are called; of the others, text is what is left. */
async function kindOf(name: string, head: Buffer, compression: SourceInfo['compression']): Promise<DocumentKind> {
  const found = documentKindByContent(await plainHead(head, compression, undefined));
  if (found === 'pdf' || found === 'docx') return found;
  return documentKindByName(name) ?? found ?? 'txt';
}

function cannotOpen(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return usageError('source-not-found', `${path} does not exist`, 'Check the name.');
  if (code === 'EACCES' || code === 'EPERM') {
    return usageError('unreadable-source', `${path} cannot be read: permission denied`, `Try: ls -l ${path}`);
  }
  if (code === undefined || !('syscall' in (error as object))) return error;
  return usageError('unreadable-source', `${path} cannot be read: ${(error as Error).message}`);
}

/**
 * Changes the index that a source's positions carry, to the one that an earlier try knows it by. Only before it is read: positions that were
 * given out would change with it.
 */
export function renumber(source: Source, index: number): void {
  (source.info as { index: number }).index = index;
}
