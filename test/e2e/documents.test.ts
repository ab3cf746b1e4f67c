/** Documents through the real program into a real local server. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/cli.js';
import { asked, closedAfterEach, expectCode, said, type Imports } from '../support/imports.js';

const { setUp } = closedAfterEach();
const FIXTURES = join(ROOT, 'fixtures/documents');

const mail = (n: number): string =>
  `From a@b.c Tue May  6 11:05:00 2025\nFrom: Ana <a@b.c>\nTo: bo@b.c\nSubject: s${n}\nDate: Tue, 06 May 2025 11:${String(n % 60).padStart(2, '0')}:00 -0700\n\nText of mail ${n}.\n\n`;

function folder(here: Imports, files: Readonly<Record<string, string | Buffer>>): void {
  mkdirSync(here.at.path('docs/deeper'), { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(here.at.path(`docs/${name}`), content);
  for (const name of ['report.docx', 'report.pdf', 'protected.pdf'])
    copyFileSync(join(FIXTURES, name), here.at.path(`docs/${name}`));
}

describe('a folder of documents', () => {
  it('goes into a graph without a mapping; what cannot be read is told with file and reason, and the rest goes in', async () => {
    const here = await setUp();
    folder(here, {
      'a.md': `---\ndate: 2024-05-01\n---\n# One\n\n${'Some words. '.repeat(60)}\n\n# Two\n\n${'Other words. '.repeat(60)}`,
      'deeper/call.vtt': 'WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ana>Hello.\n\n00:02.000 --> 00:03.000\n<v Bo>Hi.\n',
      'empty.txt': '',
      'm.eml': mail(1).slice(mail(1).indexOf('\n') + 1),
      'picture.png': Buffer.from([0x89, 0x50]),
    });
    const tried = await here.run(['docs', '--graph', 'g']);
    expectCode(tried, 10);
    expect(tried.report?.errors).toMatchObject([
      { code: 'no-text', first: 'docs/empty.txt:1' },
      { code: 'encrypted', first: 'docs/protected.pdf:1' },
    ]);
    const contents = await here.remote.contents('g:g');
    expect(contents.filter((text) => text.startsWith('# '))).toHaveLength(3);
    expect(contents.some((text) => text.startsWith('From: Ana <a@b.c>\nTo: bo@b.c\nDate: '))).toBe(true);
    expect(contents).toContain('Ana: Hello.');
    expect(contents).toContain('Bo: Hi.');
    expect(contents.join('\n')).toContain('a reunião foi em São Paulo');
  });

  it('sends nothing when it is imported again, and of an edited document only what is new', async () => {
    const here = await setUp();
    folder(here, { 'a.md': '# One\n\nFirst.\n' });
    const words = ['docs/a.md', 'docs/report.docx', '--graph', 'g'];
    expectCode(await here.run(words), 0);
    const before = here.added();
    expectCode(await here.run(words), 0);
    expect(here.added()).toBe(before);
    writeFileSync(here.at.path('docs/a.md'), '# One\n\nFirst, and second.\n');
    expectCode(await here.run(words), 0);
    expect(here.added()).toBe(before + 1);
  });

  it('without a place to go is refused before anything is read, with what to give', async () => {
    const here = await setUp();
    folder(here, {});
    const tried = await here.run(['docs']);
    expectCode(tried, 2);
    expect(said(tried)).toContain('--graph ID or --user ID');
  });

  it('leaves documents out beside files of rows, and says so', async () => {
    const here = await setUp();
    folder(here, { 'rows.jsonl': '{"type":"graph_episode","graph_id":"g","data":"row"}\n', 'README.md': 'read me' });
    const tried = await here.run(['docs']);
    expectCode(tried, 0);
    expect(said(tried)).toContain('left out beside files of rows');
    expect(await here.remote.contents('g:g')).toEqual(['row']);
  });

  it('by a mapping gives its fields: path, name, page, title', async () => {
    const here = await setUp();
    folder(here, {});
    here.at.write(
      'map.yaml',
      "version: 1\nitem:\n  type: graph_episode\n  graph_id: g\n  data: '{{ name }} {{ page }}/{{ pages }} {{ title }} by {{ author }}'\n",
    );
    expectCode(await here.run(['docs/report.pdf', '-m', 'map.yaml']), 0);
    expect(await here.remote.contents('g:g')).toEqual([
      'report.pdf 1/2 Quarterly report by Ana Prado',
      'report.pdf 2/2 Quarterly report by Ana Prado',
    ]);
  });
});

describe('a mailbox', () => {
  it('that is killed on the way goes on with the same command: every mail once, in order', async () => {
    const here = await setUp({ latencyMs: 60 });
    const count = 60;
    here.at.write('in.mbox', Array.from({ length: count }, (_, n) => mail(n)).join(''));
    const words = ['in.mbox', '--graph', 'g', '--chunk-size', '5', '--batch-size', '20', '--concurrency', '1'];
    const flags = [...here.remote.flags, '--state-dir', 'state', '--create-missing', 'graphs', '--progress', 'none'];
    const first = here.at.start(['run', ...words, ...flags]);
    await asked(here, 'add', 4);
    first.child.kill('SIGKILL');
    await first;
    expectCode(await here.run(words), 0);
    const contents = await here.remote.contents('g:g');
    expect(contents.map((text) => /Text of mail (\d+)/.exec(text)?.[1])).toEqual(
      Array.from({ length: count }, (_, n) => String(n)),
    );
  });

  it('has its rejected mails in a file that names them, and the file can be given again', async () => {
    const here = await setUp();
    here.at.write('in.mbox', `${mail(1)}From a@b.c Tue May  6 11:05:00 2025\nrubbish\n\n${mail(2)}`);
    const tried = await here.run(['in.mbox', '--graph', 'g']);
    expectCode(tried, 10);
    const [path = ''] = (tried.report?.files ?? []).filter((name) => name.endsWith('rejects.jsonl'));
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ path: 'in.mbox', kind: 'mbox' });
    const again = await here.run([path, '--graph', 'g', '--name', 'again']);
    expectCode(again, 10);
    expect(here.added()).toBe(2);
  });
});

describe('a document that could not be read', () => {
  it('goes in whole with retry once it can be, turns that are equal too, and nothing of it twice', async () => {
    const here = await setUp();
    const turns = ['<v Ana>ok', '<v Bo>ok', '<v Ana>ok', '<v Bo>fine', '<v Ana>ok'];
    const cue = (text: string, n: number): string => `00:0${n}.000 --> 00:0${n + 1}.000\n${text}\n`;
    here.at.write('call.vtt', `WEBVTT\n\n${turns.map(cue).join('\n')}`);
    const tried = await here.run(['call.vtt', '--graph', 'g', '--max-document-bytes', '40']);
    expectCode(tried, 10);
    expect(here.added()).toBe(0);
    const words = ['retry', String(tried.report?.run), '--settle-window', '300ms', '--max-document-bytes', '1MiB'];
    expectCode(await here.command(words), 0);
    const all = ['Ana: ok', 'Bo: ok', 'Ana: ok', 'Bo: fine', 'Ana: ok'];
    expect(await here.remote.contents('g:g')).toEqual(all);
    expectCode(await here.run(['call.vtt', '--graph', 'g']), 0);
    expect(await here.remote.contents('g:g')).toEqual(all);
  });
});

describe('a document from standard input', () => {
  it('is read, and told by its first bytes', async () => {
    const here = await setUp();
    const pdf = readFileSync(join(FIXTURES, 'report.pdf'));
    expectCode(await here.run(['-', '--graph', 'g'], { stdin: pdf }), 0);
    expect((await here.remote.contents('g:g')).join('\n')).toContain('São Paulo');
  });
});
