/**
 * The text of a text file: by its byte order mark, a name that was given, the pattern of UTF-16, as UTF-8 when it is valid, else by the most
 * likely of the older encodings. Line ends become \n.
 */
import { isUtf8 } from 'node:buffer';
import { detectEncoding } from '../encoding.js';
import { DocumentError } from './parsed.js';

const SURE_ENOUGH = 20;
/** Enough to tell an encoding by. */
const LOOK_BYTES = 256 * 1024;
const CONTROLS_PER = 100;

export async function decodeText(bytes: Buffer, encoding: string | undefined): Promise<string> {
  const { encoding: found, by, markBytes } = detectEncoding(bytes, encoding);
  const content = bytes.subarray(markBytes);
  let label: string = found.kind;
  if (found.kind === 'utf-16') label = found.bigEndian ? 'utf-16be' : 'utf-16le';
  else if (found.kind === 'single-byte') ({ label } = found);
  else if (by === 'content' && !isUtf8(content)) label = await likelyEncoding(content);
  const text = new TextDecoder(label).decode(content, { stream: true }).replaceAll('\r\n', '\n').replaceAll('\r', '\n');
  refuseBinary(text);
  return text;
}

async function likelyEncoding(bytes: Buffer): Promise<string> {
  const { analyse } = await import('chardet');
  for (const { name, confidence } of analyse(bytes.subarray(0, LOOK_BYTES))) {
    if (confidence < SURE_ENOUGH || /^UTF|^ASCII/.test(name)) continue;
    try {
      // ISO-8859-1 means windows-1252 on the web, and in TextDecoder.
      return new TextDecoder(name).encoding;
    } catch {
      // An encoding that cannot be decoded here.
    }
  }
  return 'windows-1252';
}

function refuseBinary(text: string): void {
  const head = text.slice(0, 8192);
  const controls = head.match(/[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/g)?.length ?? 0;
  if (controls * CONTROLS_PER > head.length) {
    throw new DocumentError(
      'not-text',
      'this is no text file: it holds binary data; name its format with --format, or leave it out',
    );
  }
}
