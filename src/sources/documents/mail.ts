/** A mail: its text, and who wrote it to whom, when and about what. Attachments are named, not read. */
import type { Address, Email } from 'postal-mime';
import { htmlToText } from './html.js';
import { DocumentError, whole, type ParsedDocument } from './parsed.js';

const ZONED = /[+-]\d{4}|\b(?:GMT|UTC?|Z|[ECMP][SD]T)\b/;

export async function parseMail(bytes: Buffer): Promise<ParsedDocument> {
  const { default: PostalMime } = await import('postal-mime');
  const mail: Email = await PostalMime.parse(new Uint8Array(bytes), { maxNestingDepth: 64 }).catch((error: unknown) => {
    throw new DocumentError('damaged', `this mail cannot be read (${(error as Error).message}): export it anew`);
  });
  if (mail.from === undefined && mail.subject === undefined && mail.date === undefined && mail.to === undefined) {
    throw new DocumentError('damaged', 'this is no mail: it has neither sender, recipient, subject nor date');
  }
  const header = mail.headers.find(({ key }) => key === 'date')?.value;
  const from = flat(mail.from === undefined ? [] : [mail.from])[0];
  return whole(await bodyOf(mail), {
    title: mail.subject,
    author: from?.name || from?.address,
    // Without a zone JavaScript takes the one of this machine.
    date: header !== undefined && ZONED.test(header) ? isoOf(mail.date) : undefined,
    from: from === undefined ? undefined : written(from),
    from_name: from?.name || undefined,
    from_address: from?.address || undefined,
    to: listOf(mail.to),
    cc: listOf(mail.cc),
    subject: mail.subject,
    message_id: mail.messageId,
    in_reply_to: mail.inReplyTo,
    attachments: namesOf(mail),
  });
}

async function bodyOf({ text, html }: Email): Promise<string> {
  if (text !== undefined && text.trim() !== '') return text.replaceAll('\r\n', '\n').trim();
  return html === undefined ? '' : await htmlToText(html);
}

function isoOf(date: string | undefined): string | undefined {
  const ms = Date.parse(date ?? '');
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString().replace('.000Z', 'Z');
}

interface Mailbox {
  readonly name: string;
  readonly address: string;
}

/** The members of groups too. */
function flat(addresses: readonly Address[]): readonly Mailbox[] {
  return addresses.flatMap((each) =>
    'group' in each && each.group !== undefined
      ? flat(each.group as readonly Address[])
      : [{ name: each.name, address: (each as { address?: string }).address ?? '' }],
  );
}

function written({ name, address }: Mailbox): string {
  if (name === '') return address;
  return address === '' ? name : `${name} <${address}>`;
}

function listOf(addresses: readonly Address[] | undefined): readonly string[] | undefined {
  const all = flat(addresses ?? []).map(written);
  return all.length === 0 ? undefined : all;
}

function namesOf({ attachments }: Email): readonly string[] | undefined {
  const names = attachments.map(({ filename, mimeType }) => filename ?? mimeType);
  return names.length === 0 ? undefined : names;
}
