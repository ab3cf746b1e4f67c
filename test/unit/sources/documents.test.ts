import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DocumentKind } from '../../../src/model.js';
import { documentId } from '../../../src/sources/documents/document-block.js';
import { DocumentParser } from '../../../src/sources/documents/document-parser.js';
import { isoDate, pdfDate } from '../../../src/sources/documents/dates.js';
import { documentKindByContent, documentKindByName } from '../../../src/sources/documents/kinds.js';
import { parseDocument } from '../../../src/sources/documents/parse.js';
import { DocumentError, type ParsedDocument } from '../../../src/sources/documents/parsed.js';
import { DATA, hasData, ROOT } from '../../support/cli.js';

const FIXTURES = join(ROOT, 'fixtures/documents');
const MB = 1024 * 1024;

function parse(kind: DocumentKind, bytes: Buffer | string, encoding?: string): Promise<ParsedDocument> {
  return parseDocument({ kind, bytes: Buffer.from(bytes as string), encoding, maxBytes: MB });
}
async function textOf(kind: DocumentKind, bytes: Buffer | string, encoding?: string): Promise<string> {
  return (await parse(kind, bytes, encoding)).parts.map(({ text }) => text).join('\f');
}
async function refusal(kind: DocumentKind, bytes: Buffer | string): Promise<string> {
  const error: unknown = await parse(kind, bytes).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(DocumentError);
  return (error as DocumentError).code;
}
const fixture = (name: string): Buffer => readFileSync(join(FIXTURES, name));

describe('a document', () => {
  it('of Word gives headings, lists and rows of tables in reading order, and who wrote it', async () => {
    const { fields, parts } = await parse('docx', fixture('report.docx'));
    expect(fields).toMatchObject({ title: 'Quarterly report', author: 'Ana Prado' });
    expect(parts.map(({ text }) => text)).toEqual([
      '# Quarterly report\n\nThe first paragraph of the report tells what happened in the first quarter. It was a good one.\n\n' +
        '## Results\n\nSecond paragraph, with numbers: 12 units were sold in Lisbon & Porto.\n\n- One item\n- Another item\n\n' +
        'City | Units\nLisbon | 7\nPorto | 5\n\nText on the second page, written in Portuguese: a reunião foi em São Paulo.',
    ]);
  });

  it('of PDF gives page after page, with lines and paragraphs, and its own date', async () => {
    const { fields, parts } = await parse('pdf', fixture('report.pdf'));
    expect(fields).toMatchObject({ title: 'Quarterly report', author: 'Ana Prado', pages: 2 });
    expect(fields['date']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(parts.map(({ line, fields: { page } }) => [line, page])).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(parts[0]?.text).toContain('Quarterly report\nThe first paragraph');
    expect(parts[0]?.text).toContain('good one.\n\nResults\n');
    expect(parts[0]?.text).toContain('Lisbon 7\nPorto 5');
    expect(parts[1]?.text).toBe('Text on the second page, written in Portuguese: a reunião foi em São Paulo.');
  });

  it('of HTML is what a reader of the page reads', async () => {
    const html =
      '<html lang="pt"><head><title>Ti &amp; tle</title><meta name="author" content="A"><meta property="article:published_time" content="2024-05-01T10:00:00+01:00"><style>x{}</style></head>' +
      '<body><nav>menu</nav><h1>One <b>two</b></h1><p>Para <a href="http://x">link</a>&nbsp;text</p><table><tr><td><p>a</p></td><td>b</td></tr></table><script>bad()</script></body></html>';
    const { fields, parts } = await parse('html', html);
    expect(fields).toMatchObject({ title: 'Ti & tle', author: 'A', date: '2024-05-01T10:00:00+01:00', language: 'pt' });
    expect(parts[0]?.text).toBe('# One two\n\nPara link text\n\na | b');
  });

  it('of HTML is read in the encoding that it declares', async () => {
    const latin = Buffer.from('<meta charset="iso-8859-1"><p>ol\u00e1, cora\u00e7\u00e3o</p>', 'latin1');
    expect(await textOf('html', latin)).toBe('olá, coração');
  });

  it('of Markdown keeps its marks; front matter becomes fields and is no text', async () => {
    const { fields, parts } = await parse(
      'md',
      '---\ntitle: T\nauthor: [A, B]\ndate: 2024-05-01\ntags: [x]\n---\n# Head\n\nText',
    );
    expect(fields).toMatchObject({
      title: 'T',
      author: 'A, B',
      date: '2024-05-01T00:00:00Z',
      front_matter: { tags: ['x'] },
    });
    expect(parts).toMatchObject([{ text: '# Head\n\nText', line: 7 }]);
    expect((await parse('md', 'Title\n=====\n\nText')).fields['title']).toBe('Title');
    expect(await textOf('md', '---\nnot: [closed\n---\nText')).toBe('---\nnot: [closed\n---\nText');
  });

  it.each([
    ['UTF-8 with a mark', Buffer.from('\uFEFFol\u00e1')],
    ['UTF-16', Buffer.from('\uFEFFol\u00e1', 'utf16le')],
    ['windows-1252', Buffer.from('ol\u00e1', 'latin1')],
  ])('of text is read in its encoding: %s', async (_, bytes) => {
    expect(await textOf('txt', bytes)).toBe('olá');
  });

  it('of text in an older encoding is read by its words, or by the name that is given', async () => {
    const portuguese = 'Não há coração que não tenha emoção, nem nação sem canção. \u0093Olá\u0094, disse ela à mãe.';
    const text = await textOf('txt', Buffer.from(portuguese, 'latin1'));
    expect(text).toContain('Não há coração que não tenha emoção');
    expect(text).toContain('“Olá”');
    expect(await textOf('txt', Buffer.from([0xc4, 0xc1]), 'koi8-r')).toBe('да');
  });

  it('of mail keeps sender, recipients, subject and date, and reads the part that is text', async () => {
    const mail = [
      'From: =?utf-8?B?QW5hIFByYWRv?= <ana@example.org>',
      'To: "Bo, Jr." <bo@example.org>, team: c@example.org, d@example.org;',
      'Cc: e@example.org',
      'Subject: =?iso-8859-1?Q?Ol=E1?=',
      'Date: Tue, 06 May 2025 11:05:00 -0700',
      'Message-ID: <1@x>',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nSoft =\nbreak, ol=C3=A1',
      '--b\nContent-Type: application/pdf; name="bill.pdf"\nContent-Disposition: attachment; filename="bill.pdf"\nContent-Transfer-Encoding: base64\n\nAAAA',
      '--b--',
    ].join('\n');
    const { fields, parts } = await parse('eml', mail);
    expect(fields).toMatchObject({
      from: 'Ana Prado <ana@example.org>',
      from_name: 'Ana Prado',
      from_address: 'ana@example.org',
      to: ['Bo, Jr. <bo@example.org>', 'c@example.org', 'd@example.org'],
      cc: ['e@example.org'],
      subject: 'Olá',
      date: '2025-05-06T18:05:00Z',
      message_id: '<1@x>',
      attachments: ['bill.pdf'],
    });
    expect(parts[0]?.text).toBe('Soft break, olá');
  });

  it('of mail that is only HTML is its text; a date without a zone is not believed', async () => {
    const mail = 'From: a@b.c\nDate: Tue, 06 May 2025 11:05:00\nContent-Type: text/html\n\n<p>Hi <b>you</b></p>';
    const { fields, parts } = await parse('eml', mail);
    expect(parts[0]?.text).toBe('Hi you');
    expect(fields['date']).toBeUndefined();
  });

  it('of speech is a part for every turn, whole, with who speaks and when', async () => {
    const vtt = [
      'WEBVTT - Standup\n\nNOTE a comment\n\nSTYLE\n::cue { color: red }\n',
      '1\n00:01.000 --> 00:02.500 align:start\n<v Ana Prado>Good <i>morning</i>\n',
      '00:00:02.500 --> 00:00:04.000\n<v Ana Prado>everyone &amp; all.\n',
      '00:00:04.000 --> 00:00:05.000\n<v.loud Bo>Hello.\n',
    ].join('\n');
    const { fields, parts } = await parse('vtt', vtt);
    expect(fields).toMatchObject({ title: 'Standup', speakers: ['Ana Prado', 'Bo'] });
    expect(parts).toEqual([
      { text: 'Good morning everyone & all.', line: 9, fields: { speaker: 'Ana Prado', start: 1, end: 4 } },
      { text: 'Hello.', line: 15, fields: { speaker: 'Bo', start: 4, end: 5 } },
    ]);
  });

  it('of subtitles names speakers as they are written, and joins what nobody is named for to passages', async () => {
    const named =
      '1\r\n00:00:01,000 --> 00:00:02,000\r\nANA: First.\r\n\r\n2\r\n00:00:02,000 --> 00:00:03,000\r\nand more\r\n\r\n3\r\n00:00:03,000 --> 00:00:04,000\r\n- Bo Li: Yes.\r\n';
    expect((await parse('srt', named)).parts.map(({ text, fields }) => [fields['speaker'], text])).toEqual([
      ['ANA', 'First. and more'],
      ['Bo Li', 'Yes.'],
    ]);
    const cues = Array.from({ length: 60 }, (_, i) => {
      const at = (second: number): string =>
        `00:${String(Math.floor(second / 60)).padStart(2, '0')}:${String(second % 60).padStart(2, '0')},000`;
      return `${i + 1}\n${at(i)} --> ${at(i + 1)}\nThis is sentence number ${i}.\n`;
    });
    const { parts } = await parse('srt', cues.join('\n'));
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.map(({ text }) => text).join(' ')).toBe(
      Array.from({ length: 60 }, (_, i) => `This is sentence number ${i}.`).join(' '),
    );
  });
});

describe('a document that cannot be taken says why', () => {
  const page = '3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n';
  const pdf = (pages: string, rest = page): string =>
    `%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages${pages}>>endobj\n${rest}trailer<</Root 1 0 R/Size 4>>\n%%EOF`;

  it.each<[string, DocumentKind, Buffer | string, string]>([
    ['nothing', 'pdf', '', 'no-text'],
    ['blanks', 'txt', ' \n\t\n', 'no-text'],
    ['binary data', 'txt', Buffer.from(Array.from({ length: 500 }, (_, i) => i % 9)), 'not-text'],
    ['a PDF with a password', 'pdf', fixture('protected.pdf'), 'encrypted'],
    ['a PDF of pictures', 'pdf', pdf('/Count 1/Kids[3 0 R]'), 'no-text'],
    ['half a PDF', 'pdf', fixture('report.pdf').subarray(0, 9_000), 'damaged'],
    ['half a Word document', 'docx', fixture('report.docx').subarray(0, 3_000), 'damaged'],
    ['an old or protected Word document', 'docx', Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 1, 2, 3]), 'encrypted'],
    ['text that is called a mail', 'eml', 'hello\n\nworld', 'damaged'],
    [
      'a mail of mails without end',
      'eml',
      `From: a@b.c\n${Array.from({ length: 500 }, (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\n\n--b${i}\n`).join('')}`,
      'damaged',
    ],
    ['a transcript without cues', 'vtt', 'WEBVTT\n\nhello\n', 'damaged'],
  ])('%s', async (_, kind, bytes, code) => {
    expect(await refusal(kind, bytes)).toBe(code);
  });

  it('a PDF whose tree of pages loops', async () => {
    const bytes = pdf(
      '/Count 2/Kids[3 0 R 3 0 R]',
      '3 0 obj<</Type/Pages/Count 2/Parent 2 0 R/Kids[2 0 R 2 0 R]>>endobj\n',
    );
    expect(['damaged', 'no-text']).toContain(await refusal('pdf', bytes));
  });

  it('a Word document that unpacks to more than is allowed', async () => {
    const bytes = fixture('report.docx');
    const error: unknown = await parseDocument({ kind: 'docx', bytes, encoding: undefined, maxBytes: 2_000 }).catch(
      (e: unknown) => e,
    );
    expect(error).toMatchObject({
      code: 'document-too-large',
      message: expect.stringContaining('2,000 bytes') as string,
    });
  });

  it('a Word document that lies about what it unpacks to', async () => {
    const bytes = Buffer.from(fixture('report.docx'));
    const at = bytes.indexOf(Buffer.from('PK\u0001\u0002'));
    bytes.writeUInt32LE(10, at + 24);
    expect(await refusal('docx', bytes)).toBe('damaged');
  });

  it('one that takes too long: it is given up, and the next is read', async () => {
    const parser = new DocumentParser(400);
    const request = { encoding: undefined, maxBytes: MB };
    const never = new AbortController().signal;
    const deep = Buffer.from('<div>'.repeat(200_000));
    await expect(parser.parse({ ...request, kind: 'html', bytes: deep }, never)).rejects.toMatchObject({
      code: 'document-too-slow',
    });
    const patient = new DocumentParser(60_000);
    for (let i = 0; i < 3; i++) {
      const { parts } = await patient.parse({ ...request, kind: 'html', bytes: Buffer.from(`<p>${i}</p>`) }, never);
      expect(parts[0]?.text).toBe(String(i));
    }
  });
});

describe('what a file is', () => {
  it.each([
    ['a.MD', 'md'],
    ['mail.eml', 'eml'],
    ['x.htm', 'html'],
    ['call.vtt', 'vtt'],
    ['data.csv', undefined],
  ])('%s is told by its name', (name, kind) => {
    expect(documentKindByName(name)).toBe(kind);
  });

  it.each([
    [fixture('report.pdf'), 'pdf'],
    [fixture('report.docx'), 'docx'],
    [Buffer.from('WEBVTT\n\n'), 'vtt'],
    [Buffer.from('1\n00:00:01,000 --> 00:00:02,000\nx'), 'srt'],
    [Buffer.from('From a@b Tue May  6 11:05:00 2025\nSubject: x\n\n'), 'mbox'],
    [Buffer.from('<!DOCTYPE html><p>'), 'html'],
    [Buffer.from('PK\u0003\u0004 a zip'), undefined],
    [Buffer.from('From here to 2025\nplain'), undefined],
  ])('is told by its first bytes (%#)', (head, kind) => {
    expect(documentKindByContent(head)).toBe(kind);
  });

  it('a document has an id that the service takes, the same for the same name', () => {
    expect(documentId('./docs/a.md')).toBe('docs/a.md');
    const long = documentId(`docs/${'x'.repeat(200)}.md`);
    expect([...long].length).toBeLessThanOrEqual(100);
    expect(long).toBe(documentId(`docs/${'x'.repeat(200)}.md`));
    expect(long).not.toBe(documentId(`docs/${'x'.repeat(201)}.md`));
    expect(documentId('a\nb')).not.toContain('\n');
  });

  it.each([
    [isoDate('2024-05-01'), '2024-05-01T00:00:00Z'],
    [isoDate('2024-05-01 10:30'), '2024-05-01T10:30:00Z'],
    [isoDate('2024-05-01T10:30:01.5+0200'), '2024-05-01T10:30:01+02:00'],
    [isoDate('2024-02-31'), undefined],
    [isoDate('May 2024'), undefined],
    [pdfDate("D:20240501103000+02'00'"), '2024-05-01T10:30:00+02:00'],
    [pdfDate('D:20240501103000Z'), '2024-05-01T10:30:00Z'],
    [pdfDate('D:2024'), '2024-01-01T00:00:00Z'],
    [pdfDate('yesterday'), undefined],
  ])('dates are read strictly (%#)', (found, expected) => {
    expect(found).toBe(expected);
  });
});

describe.skipIf(!hasData)('real documents (need the data folder)', () => {
  const folder = join(DATA, 'zep-ingest-examples');
  it.each(hasData ? readdirSync(join(folder, 'emails')) : [])(
    'the mail %s has sender, date, subject and text',
    async (name) => {
      const { fields, parts } = await parse('eml', readFileSync(join(folder, 'emails', name)));
      expect(fields['date']).toMatch(/^2025-/);
      for (const field of ['from', 'to', 'subject']) expect(fields[field]).toBeTruthy();
      expect(parts[0]?.text.length).toBeGreaterThan(50);
    },
  );

  it('the handbook in Markdown is its text, with a title', async () => {
    const bytes = readFileSync(join(folder, 'docs/company_handbook.md'));
    const { fields, parts } = await parse('md', bytes);
    expect(fields['title']).toContain('Handbook');
    expect(parts[0]?.text).toBe(bytes.toString());
  });
});
