/** Exports of other systems as sources: how their files are found, and what their records mean. The mappings are in the mapping stage. */
import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { usageError } from '../../errors.js';
import type { PresetName, Source, SourceInfo } from '../../model.js';
import { openSource } from '../open-source.js';
import type { SourceOptions } from '../options.js';
import { INSIDE, openArchive } from './archive.js';
import { enrichConversation } from './chatgpt.js';
import { enriched, type Enrich } from './enriched.js';
import { openFolder, type ExportFile, type ExportFiles } from './export-files.js';
import { enrichChat } from './openai-chat.js';
import { readSlackExport } from './slack.js';

export type Discover = (args: readonly string[], options: SourceOptions) => Promise<Source[]>;

const CONVERSATIONS = /(?:^|\/)conversations(?:-\d+)?\.json$/;

/** The sources of an export. `plain` finds files as they are found without a preset. */
export async function discoverExport(
  preset: PresetName,
  args: readonly string[],
  options: SourceOptions,
  plain: Discover,
): Promise<Source[]> {
  switch (preset) {
    case 'slack':
      return await each(args, options, plain, (arg, path) => slackSources(arg, path, options));
    case 'chatgpt':
      return await each(
        args,
        options,
        plain,
        (arg, path) => conversationSources(arg, path, options),
        enrichConversation,
      );
    case 'openai-chat':
      return (await plain(args, options)).map((source) => enriched(source, enrichChat));
    case 'locomo':
      return await plain(args, { ...options, format: options.format ?? 'json' });
  }
}

type FromExport = (arg: string, path: string) => Promise<Source[] | undefined>;

/** Folders and archives by `found`; other files, such as rows that were rejected, as they are. */
async function each(
  args: readonly string[],
  options: SourceOptions,
  plain: Discover,
  found: FromExport,
  enrich: Enrich = (value) => value,
): Promise<Source[]> {
  const sources: Source[] = [];
  for (const arg of args) {
    const path = resolve(options.cwd ?? '.', arg);
    const own = await found(arg, path);
    if (own !== undefined) sources.push(...own);
    else sources.push(...(await plain([arg], options)).map((source) => enriched(source, enrich)));
  }
  for (const [index, source] of sources.entries())
    (source.info as { index: number }).index = options.as?.index ?? index;
  return sources;
}

async function slackSources(arg: string, path: string, options: SourceOptions): Promise<Source[] | undefined> {
  const inside = path.includes(`${INSIDE}`) ? path.split(INSIDE) : undefined;
  const [container = path, member] = inside ?? [];
  const files = await filesOf(inside === undefined ? arg : (arg.split(INSIDE)[0] ?? arg), container, options);
  if (files === undefined) return await oneDay(arg, path, options);
  const found = await readSlackExport(files, options.includeDms === true || member !== undefined, `${arg}: `);
  if (found === undefined || found.files.length === 0)
    throw noExport(arg, 'Slack', 'channels.json or users.json, and folders of files such as general/2024-05-01.json');
  if (member === undefined) for (const { code, message } of found.notices) options.notice?.(code, message);
  return found.files
    .filter(({ name }) => member === undefined || name === member)
    .map((file) => enriched(sourceOf(file, options), found.enrich));
}

/** One day file of an export that lies around it. */
async function oneDay(arg: string, path: string, options: SourceOptions): Promise<Source[] | undefined> {
  if (!/^\d{4}-\d\d-\d\d\.json$/.test(basename(path))) return undefined;
  const root = dirname(dirname(path));
  const found = await readSlackExport(await openFolder(root, '/'), true);
  const file = found?.files.find((each) => each.file.path === path);
  return found === undefined || file === undefined
    ? undefined
    : [enriched(sourceOf({ ...file, id: arg }, options), found.enrich)];
}

async function conversationSources(arg: string, path: string, options: SourceOptions): Promise<Source[] | undefined> {
  const [container = path, member] = path.split(INSIDE);
  const files = await filesOf(arg.split(INSIDE)[0] ?? arg, container, options);
  if (files === undefined) return undefined;
  const found = files.files.filter(({ name }) => CONVERSATIONS.test(name) && (member === undefined || name === member));
  if (found.length === 0) throw noExport(arg, 'ChatGPT', 'conversations.json');
  return found.map((file) => enriched(sourceOf(file, options), enrichConversation));
}

/** Of a folder or an archive; undefined for another file. */
async function filesOf(arg: string, path: string, { cwd = '.' }: SourceOptions): Promise<ExportFiles | undefined> {
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) return undefined;
  if (facts.isDirectory()) return await openFolder(arg, cwd);
  return /\.zip$/i.test(path) ? await openArchive(arg, cwd) : undefined;
}

function sourceOf(from: ExportFile, options: SourceOptions): Source {
  const { id, bytes, file } = from;
  const info: SourceInfo = { id: options.as?.id ?? id, index: 0, format: 'json', bytes, compression: 'none', file };
  return openSource(info, options, () => from.open());
}

function noExport(arg: string, system: string, looked: string): Error {
  return usageError(
    'no-export',
    `${arg} is no ${system} export: it was looked for ${looked}`,
    'name the folder or the .zip as it was downloaded',
  );
}
