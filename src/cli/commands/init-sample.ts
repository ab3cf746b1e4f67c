/** Some records of each source: enough to guess by, in bounded time and memory, however large the sources are. */
import type { Source, SourceRecord } from '../../model.js';
import { discoverSources, type SourceOptions } from '../../sources/index.js';

export interface Sample {
  readonly records: readonly SourceRecord[];
  readonly rejected: number;
  readonly firstProblem: string | undefined;
  /** What a mapping must say of the sources, because it is not found out by itself. */
  readonly source: Readonly<Record<string, string>>;
  /** The rows lie in a list of one document. */
  readonly nested: boolean;
}

const MOST_RECORDS = 2_000;
const MOST_BYTES = 16 * 1024 * 1024;
const MOST_SOURCES = 10;

interface Read {
  readonly records: readonly SourceRecord[];
  readonly problems: readonly { readonly code: string; readonly message: string }[];
}

export async function sampleOf(
  args: readonly string[],
  sources: readonly Source[],
  options: SourceOptions,
): Promise<Sample> {
  const first = await readSome(sources);
  const latin = await inWindows1252(args, first, options);
  const read = latin ?? first;
  const list = latin === undefined ? await insideDocument(args, read, options) : undefined;
  const used = list?.read ?? read;
  const source: Record<string, string> = {};
  if (latin !== undefined) source['encoding'] = 'windows-1252 # not UTF-8';
  if (list !== undefined) source['path'] = `${list.path} # where the rows lie in the document`;
  return {
    records: used.records,
    rejected: used.problems.length,
    firstProblem: used.problems[0]?.message,
    source,
    nested: list !== undefined,
  };
}

async function readSome(sources: readonly Source[]): Promise<Read> {
  const records: SourceRecord[] = [];
  const problems: { code: string; message: string }[] = [];
  const some = sources.slice(0, MOST_SOURCES);
  const share = Math.ceil(MOST_RECORDS / Math.max(1, some.length));
  for (const source of some) {
    const end = records.length + share;
    let bytes = 0;
    for await (const block of source.read(new AbortController().signal)) {
      for (const entry of block.entries) {
        if (entry.kind === 'record') records.push(entry);
        else problems.push(entry);
        bytes += entry.position.byteEnd - entry.position.byteStart;
        if (records.length >= end || bytes > MOST_BYTES) break;
      }
      if (records.length >= end || bytes > MOST_BYTES) break;
    }
  }
  return { records, problems };
}

/** Rows that are not UTF-8 are mostly of the encoding of Western Windows programs. */
async function inWindows1252(
  args: readonly string[],
  { problems }: Read,
  options: SourceOptions,
): Promise<Read | undefined> {
  const broken = problems.filter(({ code }) => code === 'invalid-encoding').length;
  if (broken === 0 || options.encoding !== undefined || args.includes('-')) return undefined;
  const again = await readSome(
    await discoverSources(args, { ...options, encoding: 'windows-1252', notice: undefined }),
  );
  return again.problems.length < problems.length ? again : undefined;
}

/** `{ "meta": …, "data": [ … ] }`: one document that holds one list of objects, which can be read as a stream. */
async function insideDocument(
  args: readonly string[],
  { records }: Read,
  options: SourceOptions,
): Promise<{ readonly path: string; readonly read: Read } | undefined> {
  const [only, ...others] = records;
  if (only === undefined || others.length > 0 || only.position.source.format !== 'json' || args.includes('-'))
    return undefined;
  if (typeof only.value !== 'object' || only.value === null || options.path !== undefined) return undefined;
  const [path, ...more] = listsIn(only.value, '');
  if (path === undefined || more.length > 0) return undefined;
  const read = await readSome(await discoverSources(args, { ...options, path, notice: undefined }));
  return read.records.length > 1 ? { path, read } : undefined;
}

/** Paths of the lists of objects, up to one object down. */
function listsIn(value: object, prefix: string): readonly string[] {
  return Object.entries(value).flatMap(([name, each]: [string, unknown]) => {
    if (!/^[A-Za-z_]\w*$/.test(name)) return [];
    if (Array.isArray(each)) return each.length > 1 && each.every(isObject) ? [prefix + name] : [];
    return isObject(each) && prefix === '' ? listsIn(each as object, `${name}.`) : [];
  });
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
