/**
 * Transcripts in WebVTT and SubRip. What one speaker says without a break is one part, however many cues it is in; without names of speakers a
 * part is as many cues as make a passage, to the end of a sentence.
 */
import { DocumentError, type DocumentPart, type ParsedDocument } from './parsed.js';

interface Cue {
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly speaker: string | undefined;
  readonly text: string;
}

const TIMES = /^\s*(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})\s+-->\s+(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})/;
const VOICE = /^<v(?:\.[^\s>]+)*\s+([^>]+)>/;
/** `Ana Prado: Good morning`, `ANA: …`, `>> ANA: …`. */
const NAMED = /^(?:-\s*|>>\s*)?(\p{Lu}[\p{L}\p{M}\p{N}'’.-]*(?: [\p{L}\p{M}\p{N}'’.&-]+){0,3}):\s+(?=\S)/u;
const TAG = /<\/?(?:[a-z][^>]*|\d\d:[\d:.]+)>/gi;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', nbsp: ' ', lrm: '', rlm: '' };
/** A part without a speaker has about this many characters, and none goes over a silence of so many seconds. */
const PASSAGE_CHARACTERS = 500;
const SILENCE_SECONDS = 8;

export function parseSubtitles(text: string): ParsedDocument {
  const cues = [...cuesOf(text)];
  if (cues.length === 0) {
    throw new DocumentError(
      'damaged',
      'this transcript has no cue: lines such as 00:01:02.000 --> 00:01:04.000 are missing',
    );
  }
  const isNamed = cues.some(({ speaker }) => speaker !== undefined);
  const title = /^WEBVTT[ \t]+(?:-[ \t]+)?(\S.*)/.exec(text)?.[1];
  return { fields: { title, speakers: isNamed ? speakersOf(cues) : undefined }, parts: [...partsOf(cues)] };
}

function speakersOf(cues: readonly Cue[]): readonly string[] {
  return [...new Set(cues.flatMap(({ speaker }) => speaker ?? []))];
}

function* partsOf(cues: readonly Cue[]): Generator<DocumentPart> {
  let turn: Cue[] = [];
  for (const cue of cues) {
    const last = turn.at(-1);
    if (last !== undefined && isNew(turn, last, cue)) {
      yield partOf(turn);
      turn = [];
    }
    turn.push(cue);
  }
  if (turn.length > 0) yield partOf(turn);
}

function isNew(turn: readonly Cue[], last: Cue, cue: Cue): boolean {
  if (cue.speaker !== last.speaker) return true;
  if (cue.speaker !== undefined) return false;
  const characters = turn.reduce((sum, { text }) => sum + text.length, 0);
  if (cue.start - last.end > SILENCE_SECONDS) return true;
  return (
    characters >= PASSAGE_CHARACTERS &&
    (/[.!?…。！？]["'”’)]*$/.test(last.text) || characters >= 2 * PASSAGE_CHARACTERS)
  );
}

function partOf(turn: readonly Cue[]): DocumentPart {
  const [first] = turn;
  const { start = 0, speaker, line = 1 } = first ?? {};
  const end = turn.at(-1)?.end ?? start;
  return { text: turn.map(({ text }) => text).join(' '), line, fields: { speaker, start, end } };
}

/** A speaker holds until another is named, within cues that follow without a name too, as `ANA:` stands only where she begins. */
function* cuesOf(text: string): Generator<Cue> {
  const lines = text.split('\n');
  let carried: string | undefined;
  for (let i = 0; i < lines.length; i++) {
    const times = TIMES.exec(lines[i] ?? '');
    if (times === null) continue;
    const line = i + 1;
    const texts: string[] = [];
    while (i + 1 < lines.length && (lines[i + 1] ?? '').trim() !== '' && !TIMES.test(lines[i + 1] ?? '')) {
      i += 1;
      texts.push(lines[i] ?? '');
    }
    const [start, end] = [secondsOf(times.slice(1, 5)), secondsOf(times.slice(5, 9))];
    for (const { speaker, text: said } of saidBy(texts)) {
      if (speaker !== undefined) carried = speaker;
      if (said !== '') yield { line, start, end, speaker: speaker ?? carried, text: said };
    }
  }
}

/** Several speakers may share a cue, each on lines of its own. */
function saidBy(lines: readonly string[]): readonly { speaker: string | undefined; text: string }[] {
  const all: { speaker: string | undefined; text: string }[] = [];
  for (const line of lines) {
    const voice = VOICE.exec(line)?.[1]?.trim();
    const plain = plainText(line);
    const named = voice === undefined ? NAMED.exec(plain) : null;
    const speaker = voice ?? named?.[1];
    const text = named === null ? plain : plain.slice(named[0].length);
    const last = all.at(-1);
    if (speaker === undefined && last !== undefined) last.text = `${last.text} ${text}`.trim();
    else all.push({ speaker, text });
  }
  return all;
}

function plainText(line: string): string {
  return line
    .replace(TAG, '')
    .replace(/&(amp|lt|gt|nbsp|lrm|rlm);/g, (_, name: string) => ENTITIES[name] ?? '')
    .replace(/\s+/g, ' ')
    .trim();
}

function secondsOf([hours, minutes, seconds, fraction]: readonly (string | undefined)[]): number {
  const whole = Number(hours ?? 0) * 3600 + Number(minutes) * 60 + Number(seconds);
  return whole + Number((fraction ?? '0').padEnd(3, '0')) / 1000;
}
