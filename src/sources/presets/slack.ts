/**
 * A Slack export: a file a channel and day, and lists of users and channels beside. Each message is handed on with the names that its ids
 * stand for. Format: slack.com/help/articles/220556107 (How to read Slack data exports).
 */
import type { Position } from '../../model.js';
import { compact, isObject, listOf, textOf, type Enrich, type JsonObject } from './enriched.js';
import { readContext, type ExportFile, type ExportFiles } from './export-files.js';

export type ChannelKind = 'channel' | 'private' | 'group_dm' | 'dm';

interface Channel {
  readonly id: string;
  readonly name: string;
  readonly kind: ChannelKind;
}

export interface SlackExport {
  /** Messages, day by day, and within a day channel by channel: one graph gets them nearly in the order of their times. */
  readonly files: readonly ExportFile[];
  readonly enrich: Enrich;
  readonly notices: readonly { readonly code: string; readonly message: string }[];
}

const LISTS: readonly (readonly [string, ChannelKind])[] = [
  ['channels.json', 'channel'],
  ['groups.json', 'private'],
  ['mpims.json', 'group_dm'],
  ['dms.json', 'dm'],
];
const DAY = /^(.+)\/(\d{4}-\d\d-\d\d)\.json$/;
const natural = new Intl.Collator('en', { numeric: true });

/** Undefined when these are no files of a Slack export. */
export async function readSlackExport(
  { files }: ExportFiles,
  direct: boolean,
  sender = '',
): Promise<SlackExport | undefined> {
  const root = rootOf(files);
  if (root === undefined) return undefined;
  const inRoot = new Map(
    files.filter(({ name }) => name.startsWith(root)).map((file) => [file.name.slice(root.length), file]),
  );
  const users = namesOf(await readContext(inRoot.get('users.json')));
  const channels = new Map<string, Channel>();
  for (const [name, kind] of LISTS) {
    for (const channel of channelsOf(await readContext(inRoot.get(name)), kind, users))
      channels.set(channel.folder, channel);
  }
  const days: { readonly file: ExportFile; readonly folder: string; readonly day: string }[] = [];
  let left = 0;
  for (const [name, file] of inRoot) {
    const [, folder, day] = DAY.exec(name) ?? [];
    if (folder === undefined || day === undefined) continue;
    const { kind = 'channel' } = channels.get(folder) ?? {};
    if (!direct && (kind === 'dm' || kind === 'group_dm')) left += 1;
    else days.push({ file, folder, day });
  }
  days.sort((a, b) => (a.day === b.day ? natural.compare(a.folder, b.folder) : a.day < b.day ? -1 : 1));
  const names = new Map([...channels.values()].map(({ id, name }) => [id, name]));
  const notices: { code: string; message: string }[] = [];
  if (!inRoot.has('users.json')) {
    notices.push({
      code: 'slack-no-users',
      message: `${sender}there is no users.json: people are called by their ids`,
    });
  }
  if (left > 0) {
    notices.push({
      code: 'slack-direct-messages',
      message: `${sender}${left} ${left === 1 ? 'file' : 'files'} of direct messages left out: --include-dms takes them`,
    });
  }
  return { files: days.map(({ file }) => file), enrich: enricher(channels, users, names), notices };
}

/** The folder in which the lists lie: an archive may have one folder around everything. */
function rootOf(files: readonly ExportFile[]): string | undefined {
  const roots = files
    .filter(({ name }) => /(?:^|\/)(?:channels|users|groups|dms|mpims)\.json$/.test(name))
    .map(({ name }) => name.slice(0, name.lastIndexOf('/') + 1))
    .sort((a, b) => a.length - b.length);
  return roots[0];
}

function namesOf(users: unknown): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const user of listOf(users)) {
    if (!isObject(user) || typeof user['id'] !== 'string') continue;
    names.set(user['id'], nameOf(user) ?? user['id']);
  }
  return names;
}

/** The real name, else the one shown, else the handle. */
function nameOf(user: JsonObject): string | undefined {
  const profile = isObject(user['profile']) ? user['profile'] : {};
  return (
    textOf(profile['real_name']) ?? textOf(user['real_name']) ?? textOf(profile['display_name']) ?? textOf(user['name'])
  );
}

function* channelsOf(
  list: unknown,
  kind: ChannelKind,
  users: ReadonlyMap<string, string>,
): Generator<Channel & { readonly folder: string }> {
  for (const channel of listOf(list)) {
    if (!isObject(channel) || typeof channel['id'] !== 'string') continue;
    const { id } = channel;
    const members = listOf(channel['members']).map((member) => users.get(String(member)) ?? String(member));
    const name = kind === 'dm' ? members.join(', ') : (textOf(channel['name']) ?? id);
    yield { id, name: name === '' ? id : name, kind, folder: kind === 'dm' ? id : (textOf(channel['name']) ?? id) };
  }
}

function enricher(
  channels: ReadonlyMap<string, Channel>,
  users: ReadonlyMap<string, string>,
  names: ReadonlyMap<string, string>,
): Enrich {
  return (value, position) => {
    if (!isObject(value) || value['channel_kind'] !== undefined) return value;
    const folder = folderOf(position);
    const channel = channels.get(folder) ?? { id: folder, name: folder, kind: 'channel' };
    const thread = textOf(value['thread_ts']);
    const user = textOf(value['user']) ?? textOf(value['bot_id']);
    const files = listOf(value['files']).flatMap((file) =>
      isObject(file) ? (textOf(file['title']) ?? textOf(file['name']) ?? []) : [],
    );
    return compact({
      ...value,
      channel: channel.name,
      channel_id: channel.id,
      channel_kind: channel.kind,
      user_name: userNameOf(value, user, users),
      plain_text: plainTextOf(value, files, users, names),
      day: position.source.id.slice(-15, -5),
      is_reply: thread !== undefined && thread !== value['ts'],
      is_bot: value['bot_id'] !== undefined || value['subtype'] === 'bot_message',
      is_edited: isObject(value['edited']),
      file_names: files.length === 0 ? undefined : files,
    });
  };
}

function folderOf({ source }: Position): string {
  return source.id.split(/[\\/]/).at(-2) ?? '';
}

function userNameOf(
  message: JsonObject,
  user: string | undefined,
  users: ReadonlyMap<string, string>,
): string | undefined {
  const profile = isObject(message['user_profile']) ? nameOf({ profile: message['user_profile'] }) : undefined;
  const bot = isObject(message['bot_profile']) ? textOf(message['bot_profile']['name']) : undefined;
  const listed = user === undefined ? undefined : users.get(user);
  return listed ?? profile ?? textOf(message['username']) ?? bot ?? user;
}

/** The text as people read it; a message that only shares files, or shows attachments, says so. */
function plainTextOf(
  message: JsonObject,
  files: readonly string[],
  users: ReadonlyMap<string, string>,
  names: ReadonlyMap<string, string>,
): string | undefined {
  const text = textOf(message['text']);
  const attached = listOf(message['attachments']).flatMap((each) =>
    isObject(each) ? (textOf(each['text']) ?? textOf(each['fallback']) ?? []) : [],
  );
  const parts = [
    ...(text === undefined ? [] : [readable(text, users, names)]),
    ...(text === undefined ? attached.map((each) => readable(each, users, names)) : []),
    ...(files.length === 0 ? [] : [`[shared ${files.length === 1 ? 'file' : 'files'}: ${files.join(', ')}]`]),
  ];
  return parts.length === 0 ? undefined : parts.join('\n');
}

/** Mentions, links and entities of Slack's markup as text. */
export function readable(text: string, users: ReadonlyMap<string, string>, names: ReadonlyMap<string, string>): string {
  return text
    .replace(/<([^<>]+)>/g, (_, inner: string) => reference(inner, users, names))
    .replace(/&(lt|gt|amp);/g, (_, name: string) => (name === 'lt' ? '<' : name === 'gt' ? '>' : '&'));
}

function reference(inner: string, users: ReadonlyMap<string, string>, names: ReadonlyMap<string, string>): string {
  const bar = inner.indexOf('|');
  const [target, label] = bar < 0 ? [inner, ''] : [inner.slice(0, bar), inner.slice(bar + 1)];
  const id = target.slice(1);
  if (target.startsWith('@')) return `@${users.get(id) ?? (label === '' ? id : label)}`;
  if (target.startsWith('#')) return `#${label === '' ? (names.get(id) ?? id) : label}`;
  if (target.startsWith('!')) {
    const shown = label === '' ? (target.split('^')[0] ?? '').slice(1) : label;
    return shown.startsWith('@') || target.startsWith('!date') ? shown : `@${shown}`;
  }
  if (label === '' || label === target) return target.replace(/^mailto:/, '');
  return target === `mailto:${label}` || target.replace(/^https?:\/\//, '') === label ? label : `${label} (${target})`;
}
