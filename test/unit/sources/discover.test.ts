import { execFileSync } from 'node:child_process';
import { chmod, mkdir, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { discoverSources, type SourceOptions } from '../../../src/sources/index.js';
import { drain, tempFolder } from './support.js';

/** A folder with these files, each holding one JSON line. */
async function folderWith(...names: readonly string[]): Promise<string> {
  const folder = await tempFolder();
  for (const name of names) {
    const path = join(folder, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, name.includes('.csv') ? 'a\n1\n' : '{"a":1}\n');
  }
  return folder;
}

async function ids(cwd: string, args: readonly string[], options: SourceOptions = {}): Promise<string[]> {
  return (await discoverSources(args, { cwd, ...options })).map((source) => source.info.id);
}

describe('finding the sources', () => {
  it('puts what a pattern matches in natural order and keeps the order of the arguments', async () => {
    const cwd = await folderWith('p10.jsonl', 'p9.jsonl', 'p1.jsonl', 'z.csv', 'a.jsonl');
    expect(await ids(cwd, ['z.csv', 'p*.jsonl', 'a.jsonl'])).toEqual([
      'z.csv',
      'p1.jsonl',
      'p9.jsonl',
      'p10.jsonl',
      'a.jsonl',
    ]);
    const sources = await discoverSources(['p*.jsonl'], { cwd });
    expect(sources.map((source) => source.info.index)).toEqual([0, 1, 2]);
    expect(sources[0]?.info).toMatchObject({ format: 'jsonl', bytes: 8, compression: 'none' });
  });

  it('takes the known files of a folder and its folders, without hidden ones, and tells of the others', async () => {
    const cwd = await folderWith(
      'd/b.csv',
      'd/in/a.jsonl',
      'd/.hidden.jsonl',
      'd/.git/x.json',
      'd/notes.xlsx',
      'd/t.JSONL.gz',
    );
    const told: string[] = [];
    const found = await ids(cwd, ['d'], { notice: (code, message) => told.push(`${code}: ${message}`) });
    expect(found).toEqual(['d/b.csv', 'd/in/a.jsonl', 'd/t.JSONL.gz']);
    expect(told).toEqual([
      'files-left-out: d: 1 file is left out, of no known format: d/notes.xlsx',
      'not-compressed: d/t.JSONL.gz is no gzip data, whatever its name says: it is read as it is',
    ]);
  });

  it('counts a file once that a pattern names twice, and leaves files of no known format out of it', async () => {
    const cwd = await folderWith('d/a.jsonl', 'd/in/b.jsonl', 'd/in/readme.xlsx');
    const told: string[] = [];
    const found = await ids(cwd, ['d/**'], { notice: (_, message) => told.push(message) });
    expect(found).toEqual(['d/a.jsonl', 'd/in/b.jsonl']);
    expect(told).toEqual(['d/**: 1 file is left out, of no known format: d/in/readme.xlsx']);
  });

  it('takes files of any name when the pattern names nothing else', async () => {
    const cwd = await folderWith('x.log', 'y.log');
    expect(await ids(cwd, ['*.log'])).toEqual(['x.log', 'y.log']);
  });

  it('does not go round in circles through linked folders: a file that a link leads to again is read once, by its own name', async () => {
    const cwd = await folderWith('d/in/a.jsonl');
    await symlink(join(cwd, 'd'), join(cwd, 'd', 'again'));
    expect(await ids(cwd, ['d'])).toEqual(['d/in/a.jsonl']);
  });

  it('takes a path that exists for itself before it takes it for a pattern', async () => {
    const cwd = await folderWith('[1].jsonl', '1.jsonl', '{a,b}.jsonl');
    expect(await ids(cwd, ['[1].jsonl', '{a,b}.jsonl'])).toEqual(['[1].jsonl', '{a,b}.jsonl']);
  });

  it.each([
    ['nothing.jsonl', 'source-not-found', 'nothing.jsonl does not exist'],
    ['no*.jsonl', 'source-not-found', 'no file matches no*.jsonl'],
    ['empty', 'empty-folder', 'the folder empty holds no file of a known format'],
  ])('says what is wrong with %s', async (arg, code, message) => {
    const cwd = await folderWith('empty/readme.xlsx', 'a.jsonl');
    await expect(ids(cwd, [arg])).rejects.toMatchObject({ code, disposition: 'usage' });
    await expect(ids(cwd, [arg])).rejects.toThrow(message);
  });

  it('a file that became shorter since the import began is an error, not a shorter import', async () => {
    const cwd = await folderWith('a.jsonl');
    const path = join(cwd, 'a.jsonl');
    await writeFile(path, '{"a":1}\n{"a":2}\n');
    const [source] = await discoverSources(['a.jsonl'], { cwd });
    await truncate(path, 8);
    if (source === undefined) throw new Error('no source');
    expect((await drain(source)).error).toMatchObject({
      code: 'unreadable-source',
      message: expect.stringContaining('a.jsonl: it was cut short while it was being read') as string,
    });
  });

  it('refuses one file under two names', async () => {
    const cwd = await folderWith('a.jsonl');
    await symlink(join(cwd, 'a.jsonl'), join(cwd, 'b.jsonl'));
    await expect(ids(cwd, ['a.jsonl', './a.jsonl'])).rejects.toMatchObject({ code: 'duplicate-source' });
    await expect(ids(cwd, ['*.jsonl'])).rejects.toThrow('b.jsonl is given twice (also named as a.jsonl)');
    await expect(ids(cwd, ['-', '-'], { stdin: Readable.from([]) })).rejects.toMatchObject({
      code: 'duplicate-source',
    });
  });

  it('says of a regular file what tells whether it was touched since', async () => {
    const cwd = await folderWith('a.jsonl');
    const [source] = await discoverSources(['a.jsonl'], { cwd });
    const { mtimeMs, ino } = await stat(join(cwd, 'a.jsonl'));
    expect(source?.info.file).toEqual({ path: join(cwd, 'a.jsonl'), modifiedMs: mtimeMs, inode: ino });
    const [pipe] = await discoverSources(['-'], { stdin: Readable.from([Buffer.from('{}')]) });
    expect(pipe?.info.file).toBeUndefined();
  });

  it.skipIf(process.getuid?.() === 0)('says that a file may not be read', async () => {
    const cwd = await folderWith('a.jsonl');
    await chmod(join(cwd, 'a.jsonl'), 0);
    await expect(ids(cwd, ['a.jsonl'])).rejects.toMatchObject({ code: 'unreadable-source' });
  });

  it.each([
    ['rows', '{"a":1}\n{"a":2}\n', 'jsonl', 2],
    ['rows.txt', '[\n{"a":1},\n{"a":2}]', 'json', 2],
    ['rows.dat', 'a;b\n1;2\n3;4\n', 'csv', 2],
    ['rows.data', 'a\tb\n1\t2\n', 'tsv', 1],
    ['export.jsonl', '[\n  {"a":1}\n]\n', 'json', 1],
    ['export.json', '{"a":1}\n{"a":2}\n', 'jsonl', 2],
  ])('tells the format of %s by its content', async (name, content, format, records) => {
    const cwd = await tempFolder();
    await writeFile(join(cwd, name), content);
    const [source] = await discoverSources([name], { cwd });
    expect(source?.info.format).toBe(format);
    expect(source === undefined ? 0 : (await drain(source)).records.length).toBe(records);
  });

  it.each([
    ['book.xlsx', 'PK\u0003\u0004rest', 'book.xlsx is a zip archive or an office document'],
    ['letter.dat', 'Dear all,\n\nthis is prose.\nBye\n', 'cannot tell the format of letter.dat'],
  ])('refuses %s with what to do', async (name, content, message) => {
    const cwd = await tempFolder();
    await writeFile(join(cwd, name), content);
    await expect(ids(cwd, [name])).rejects.toThrow(message);
    expect(await ids(cwd, [name], { format: 'csv' })).toEqual([name]);
  });

  it('reads standard input, once, of the format its beginning shows', async () => {
    const [source] = await discoverSources(['-'], {
      stdin: Readable.from([Buffer.from('a,b\n1,'), Buffer.from('2\n')]),
    });
    expect(source?.info).toMatchObject({ id: 'stdin', bytes: undefined, format: 'csv' });
    if (source === undefined) return;
    const outcome = await drain(source);
    expect([outcome.values, outcome.bytesRead]).toEqual([[{ a: '1', b: '2' }], 8]);
    expect((await drain(source)).error).toMatchObject({ code: 'unreadable-source' });
  });

  it.skipIf(process.platform === 'win32')('reads a named pipe like standard input', async () => {
    const cwd = await tempFolder();
    const path = join(cwd, 'rows.jsonl');
    execFileSync('mkfifo', [path]);
    const [sources] = await Promise.all([discoverSources([path], {}), writeFile(path, '{"a":1}\n')]);
    const [source] = sources;
    expect(source?.info.bytes).toBeUndefined();
    expect(source === undefined ? [] : (await drain(source)).values).toEqual([{ a: 1 }]);
  });

  it('calls a copy what the original was called', async () => {
    const cwd = await folderWith('spool.jsonl');
    const [source] = await discoverSources(['spool.jsonl'], { cwd, as: { id: 'stdin', index: 3 } });
    expect(source?.info).toMatchObject({ id: 'stdin', index: 3 });
  });
});
