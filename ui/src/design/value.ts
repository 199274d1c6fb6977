// What people send is shown as it is, never as it acts: characters that cannot be seen, or that turn the text around
// them, are written out. No React in here, for canvases and hover boxes need it too.

/** A piece of a value: `text` as it may be shown, `hidden` a written-out character, `newline` a mark for one. */
export interface Piece {
  kind: 'text' | 'hidden' | 'newline';
  text: string;
}

// Controls, format characters (bidirectional ones among them), lone surrogates, line and paragraph separators, and
// whatever else Unicode says may be left out when drawn.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
const UNSEEN_ALL = new RegExp(UNSEEN, 'gu');
// What makes one picture of several: these are seen, as the picture.
const EMOJI =
  /\p{Regional_Indicator}{2}|[0-9#*]\ufe0f\u20e3|\p{Emoji}(?:\p{Emoji_Modifier}|\ufe0f)?(?:\u200d\p{Emoji}(?:\p{Emoji_Modifier}|\ufe0f)?)*/gu;
const JOINER = '\u200d';
const AS_PICTURE = '\ufe0f';
const NEWLINE = /\r\n|[\n\r]/u;
const NEWLINE_MARK = '↵';

/** How a character that cannot be seen is written: `\t`, `\u202e`, `\u{e0041}`. */
export function escapeCharacter(character: string): string {
  if (character === '\t') return '\\t';
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  return code > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
}

function isJoined(text: string): boolean {
  return text.length > 1 && (text.includes(JOINER) || text.includes(AS_PICTURE));
}

/** Where `text` holds pictures made of several characters: start and end of each. */
function pictures(text: string): [number, number][] {
  const found: [number, number][] = [];
  if (!isJoined(text)) return found;
  for (const match of text.matchAll(EMOJI))
    if (isJoined(match[0])) found.push([match.index, match.index + match[0].length]);
  return found;
}

/** `text` in pieces of which none acts on its surroundings. Joined to one string they are `visibleText(text)`. */
export function pieces(text: string): Piece[] {
  if (!UNSEEN.test(text)) return text === '' ? [] : [{ kind: 'text', text }];
  const whole = pictures(text);
  const made: Piece[] = [];
  let done = 0;
  for (const match of text.matchAll(UNSEEN_ALL)) {
    const at = match.index;
    if (at < done || whole.some(([from, to]) => at >= from && at < to)) continue;
    if (at > done) made.push({ kind: 'text', text: text.slice(done, at) });
    const line = NEWLINE.exec(text.slice(at, at + 2));
    if (line?.index === 0) {
      made.push({ kind: 'newline', text: NEWLINE_MARK });
      done = at + line[0].length;
    } else {
      made.push({ kind: 'hidden', text: escapeCharacter(match[0]) });
      done = at + match[0].length;
    }
  }
  if (done < text.length) made.push({ kind: 'text', text: text.slice(done) });
  return made;
}

/** `text` with nothing in it that cannot be seen: for titles, canvases and names read aloud. */
export function visibleText(text: string): string {
  return pieces(text)
    .map((piece) => piece.text)
    .join('');
}

const QUOTED = /"(?:[^"\\]|\\.)*"/gu;

/** `text` as PromQL writes it, cut so that each quoted value stands alone; joined it is `text` again. */
export function quotedParts(text: string): string[] {
  const parts: string[] = [];
  let done = 0;
  for (const match of text.matchAll(QUOTED)) {
    // The quotes stay outside: what they hold may be written from right to left, they may not.
    parts.push(text.slice(done, match.index + 1), match[0].slice(1, -1));
    done = match.index + match[0].length - 1;
  }
  parts.push(text.slice(done));
  return parts;
}
