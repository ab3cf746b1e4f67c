/**
 * Word documents. An archive is unpacked only after it was counted what it unpacks to: what it says of itself is not believed.
 */
import { missingPart } from '../../missing-part.js';
import { isoDate } from './dates.js';
import { htmlToText } from './html.js';
import { DocumentError, whole, type ParsedDocument } from './parsed.js';

const COMPOUND_FILE = Buffer.from([0xd0, 0xcf, 0x11, 0xe0]);
const CORE = 'docProps/core.xml';
const MOST_ENTRIES = 10_000;

export async function parseDocx(bytes: Buffer, maxBytes: number): Promise<ParsedDocument> {
  if (bytes.subarray(0, 4).equals(COMPOUND_FILE)) {
    throw new DocumentError(
      'encrypted',
      'this is a Word document with a password, or one of the time before .docx: save it as .docx without a password',
    );
  }
  const core = await inspectArchive(bytes, maxBytes).catch((error: unknown) => {
    throw error instanceof DocumentError || missingPart(error) !== undefined ? error : damaged(error);
  });
  const { default: mammoth } = await import('mammoth');
  const html = await mammoth
    .convertToHtml({ buffer: bytes }, { convertImage: mammoth.images.imgElement(() => Promise.resolve({ src: '' })) })
    .catch((error: unknown) => {
      throw damaged(error);
    });
  const text = await htmlToText(html.value);
  return whole(text, {
    title: element(core, 'dc:title') ?? /^#+ (.+)$/m.exec(text)?.[1],
    author: element(core, 'dc:creator'),
    date: isoDate(element(core, 'dcterms:created')),
    modified: isoDate(element(core, 'dcterms:modified')),
  });
}

function damaged(error: unknown): DocumentError {
  return new DocumentError('damaged', `this Word document cannot be read (${(error as Error).message}): save it anew`);
}

/** Unpacks every entry and counts; gives back the properties of the document. Throws when it is more than `maxBytes` in all. */
async function inspectArchive(bytes: Buffer, maxBytes: number): Promise<string> {
  const { fromBufferPromise } = (await import('yauzl')).default;
  const archive = await fromBufferPromise(bytes, { lazyEntries: true, validateEntrySizes: true });
  let core = '';
  let total = 0;
  let entries = 0;
  let isWord = false;
  for await (const entry of archive.eachEntry()) {
    entries += 1;
    if (entry.fileName.startsWith('word/')) isWord = true;
    if (total + entry.uncompressedSize > maxBytes || entries > MOST_ENTRIES) throw tooMuch(maxBytes);
    for await (const chunk of await archive.openReadStreamPromise(entry)) {
      total += (chunk as Buffer).length;
      if (total > maxBytes) throw tooMuch(maxBytes);
      if (entry.fileName === CORE) core += (chunk as Buffer).toString('utf8');
    }
  }
  if (!isWord) throw new DocumentError('damaged', 'this archive holds no Word document: unpack it, and name its files');
  return core;
}

function tooMuch(maxBytes: number): DocumentError {
  return new DocumentError(
    'document-too-large',
    `this document unpacks to more than ${maxBytes.toLocaleString('en-US')} bytes: if it is no trick, raise --max-document-bytes`,
  );
}

function element(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}(?:\\s[^>]*)?>([^<]*)</${name}>`).exec(xml)?.[1]?.trim();
  if (text === undefined || text === '') return undefined;
  return text.replace(/&(?:lt|gt|quot|apos|amp);/g, (entity) => ENTITIES[entity] ?? entity);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&amp;': '&',
};
