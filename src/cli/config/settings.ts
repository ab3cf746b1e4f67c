/**
 * What may stand in a config file: every flag by its long name, but the key. A value is checked by the flag's own rules, whether or not the command
 * at hand has that flag, so that a mistake shows itself at once and not in a month.
 */
import { InvalidArgumentError, type Option } from 'commander';
import { distance } from 'fastest-levenshtein';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { FLAGS, isSwitch, optionOf, type Flag } from '../flags.js';
import { booleanOf, isEmpty, type ConfigNode, type MapEntry, type MapNode, type Place } from './nodes.js';
import type { Mistake } from './yaml-reader.js';

export interface Setting extends Place {
  /** As commander calls it: `chunkSize`; `wait` for --no-wait too. */
  readonly attribute: string;
  /** As the flag would take it. */
  readonly text: string;
  /** What the flag makes of it. */
  readonly value: unknown;
  /** As it would be typed; nothing for what can only be switched off and is on. */
  readonly words: readonly string[];
  /** The path of the file it stands in. */
  readonly file: string;
  /** The profile it belongs to. */
  readonly profile: string | undefined;
}

export interface Meaning {
  readonly attribute: string;
  readonly option: Option;
  /** The key names the opposite of the flag: `spool` for --no-spool. */
  readonly isOpposite: boolean;
}

/** Flags that say where config is found and shown, or what is looked for in a list, and so cannot stand in it. */
const NOT_HERE: ReadonlySet<string> = new Set(['config', 'no-config', 'origin', 'status']);
const PATHS: ReadonlySet<string> = new Set(['mapping', 'apiKeyFile', 'stateDir', 'out', 'junit', 'summaryFile']);
const KEY_REASON =
  'a key does not belong in a config file, which is copied, committed and shown: name a file that holds it (api-key-file), or set ZEP_API_KEY';

let meanings: ReadonlyMap<string, () => Meaning> | undefined;

/** All keys of settings and what they mean. */
export function settingNames(): ReadonlyMap<string, () => Meaning> {
  if (meanings !== undefined) return meanings;
  const made = new Map<string, () => Meaning>();
  const flags: readonly Flag[] = Object.values(FLAGS);
  for (const flag of flags) {
    const long = /--([a-z-]+)/.exec(flag.flags)?.[1] ?? '';
    if (NOT_HERE.has(long)) continue;
    made.set(long, () => meaningOf(flag, false));
  }
  for (const flag of flags) {
    const positive = /--no-([a-z-]+)/.exec(flag.flags)?.[1];
    if (positive === undefined || made.has(positive) || NOT_HERE.has(positive)) continue;
    made.set(positive, () => meaningOf(flag, true));
  }
  meanings = made;
  return made;
}

function meaningOf(flag: Flag, isOpposite: boolean): Meaning {
  const option = optionOf(flag);
  return { attribute: option.attributeName(), option, isOpposite };
}

export interface SettingsContext {
  readonly file: string;
  readonly profile: string | undefined;
  readonly mistakes: Mistake[];
}

/** The settings of a map; `others` are keys with a meaning of their own, which the caller reads. */
export function readSettings(
  map: MapNode,
  others: readonly string[],
  context: SettingsContext,
): ReadonlyMap<string, Setting> {
  const settings = new Map<string, Setting>();
  for (const entry of map.entries) {
    if (others.includes(entry.key)) continue;
    const setting = readSetting(entry, others, context);
    if (setting === undefined) continue;
    if (settings.has(setting.attribute)) {
      context.mistakes.push({
        ...placeOf(entry),
        message: `${entry.key}: the same stands here twice, once with and once without no-`,
      });
    }
    settings.set(setting.attribute, setting);
  }
  return settings;
}

function readSetting(entry: MapEntry, others: readonly string[], context: SettingsContext): Setting | undefined {
  const { key, value } = entry;
  const wrong = (place: Place, message: string): undefined => {
    context.mistakes.push({ ...placeOf(place), message: `${key}: ${message}` });
    return undefined;
  };
  if (spelled(key) === 'api-key') return wrong(entry, KEY_REASON);
  if (key === 'trust') return wrong(entry, 'only your own config file says whom you trust');
  const meaning = settingNames().get(key)?.();
  if (meaning === undefined) return wrong(entry, unknownKey(key, [...settingNames().keys(), ...others]));
  if (isEmpty(value)) return wrong(value, 'is empty: write a value, or leave it out');
  return isSwitch(meaning.option) ? switched(meaning, entry, context, wrong) : valued(meaning, entry, context, wrong);
}

type Wrong = (place: Place, message: string) => undefined;

function switched(meaning: Meaning, entry: MapEntry, context: SettingsContext, wrong: Wrong): Setting | undefined {
  const { option, attribute, isOpposite } = meaning;
  const said = booleanOf(entry.value);
  if (said === undefined) return wrong(entry.value, `${shown(entry.value)} cannot stand here: it takes true or false`);
  const isOn = isOpposite ? said : option.negate ? !said : said;
  const word = `${isOn ? '--' : '--no-'}${attribute.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return settingOf(entry, context, { attribute, text: String(isOn), value: isOn, words: isFlag(word) ? [word] : [] });
}

function isFlag(word: string): boolean {
  return (Object.values(FLAGS) as readonly Flag[]).some(({ flags }) => flags.split(/[ ,]+/).includes(word));
}

function valued(meaning: Meaning, entry: MapEntry, context: SettingsContext, wrong: Wrong): Setting | undefined {
  const { option, attribute } = meaning;
  const written = textOf(entry.value);
  if (written === undefined) return wrong(entry.value, `${shown(entry.value)} cannot stand here: it takes one value`);
  if (booleanOf(entry.value) !== undefined) {
    return wrong(entry.value, `${written} cannot stand here: it takes ${takes(option)}, not true or false`);
  }
  const text = PATHS.has(attribute) && written !== '-' ? pathFrom(context.file, written) : written;
  try {
    return settingOf(entry, context, {
      attribute,
      text,
      value: parsedBy(option, text),
      words: [option.long ?? '', text],
    });
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    return wrong(entry.value, `${shown(entry.value)} cannot stand here: ${lowerFirst(error.message)}`);
  }
}

function takes(option: Option): string {
  return option.argChoices === undefined ? 'a value' : `one of ${option.argChoices.join(', ')}`;
}

function settingOf(
  { line, column }: MapEntry,
  { file, profile }: SettingsContext,
  parts: Pick<Setting, 'attribute' | 'text' | 'value' | 'words'>,
): Setting {
  return { ...parts, line, column, file, profile };
}

/** The words of a list are joined by commas, as a flag takes them. */
function textOf(node: ConfigNode): string | undefined {
  if (node.kind === 'scalar') return node.text;
  if (node.kind === 'map' || node.items.length === 0) return undefined;
  const texts = node.items.map((each) => (each.kind === 'scalar' ? each.text : undefined));
  return texts.includes(undefined) ? undefined : texts.join(',');
}

/** What a flag makes of a text. Throws commander's InvalidArgumentError. */
export function parsedBy(option: Option, text: string): unknown {
  if (option.argChoices !== undefined && !option.argChoices.includes(text)) {
    throw new InvalidArgumentError(`It takes one of ${option.argChoices.join(', ')}.${meant(text, option.argChoices)}`);
  }
  const parse = option.parseArg as ((text: string, previous: unknown) => unknown) | undefined;
  return parse === undefined ? text : parse(text, undefined);
}

function meant(text: string, choices: readonly string[]): string {
  const near = nearest(text, choices);
  return near === undefined ? '' : ` Did you mean ${near}?`;
}

/** A path means the same from wherever the command is typed. No shell sees it, so `~/` is done here. */
export function pathFrom(file: string, path: string): string {
  if (path === '~') return homedir();
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(dirname(file), path);
}

export function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(spelled(key), known);
  return near === undefined
    ? 'unknown key: a key is the long name of a flag, such as chunk-size'
    : `unknown key: did you mean ${near}?`;
}

/** `chunkSize`, `chunk_size` and `--chunk-size` as people write them. */
function spelled(key: string): string {
  return key
    .replace(/^-+/, '')
    .replace(/([a-z])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toLowerCase();
}

export function nearest(word: string, choices: readonly string[]): string | undefined {
  const [best] = [...choices].sort((a, b) => distance(word, a) - distance(word, b));
  return best !== undefined && distance(word, best) <= Math.max(2, Math.floor(word.length / 3)) ? best : undefined;
}

function placeOf({ line, column }: Place): Place {
  return { line, column };
}

function shown(node: ConfigNode): string {
  if (node.kind !== 'scalar') return node.kind === 'list' ? 'a list' : 'a map';
  const text = JSON.stringify(node.text);
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}

function lowerFirst(text: string): string {
  const plain = text.replace(/\.$/, '');
  return plain.charAt(0).toLowerCase() + plain.slice(1);
}
