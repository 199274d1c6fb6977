// What a change changed in a text, line by line.

export interface Line {
  kind: 'same' | 'gone' | 'new' | 'left out';
  text: string;
}

/** Beyond so many pairs of lines the middle is told as a whole, gone and new. */
const MOST_PAIRS = 4_000_000;

function split(text: string): string[] {
  const lines = text.replace(/\r\n?/gu, '\n').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** Lines of a middle that begins and ends with a difference, by the longest common subsequence. */
function middle(before: readonly string[], after: readonly string[]): Line[] {
  const rows = before.length;
  const columns = after.length;
  const gone = before.map((text): Line => ({ kind: 'gone', text }));
  const made = after.map((text): Line => ({ kind: 'new', text }));
  if (rows * columns > MOST_PAIRS) return [...gone, ...made];
  const width = columns + 1;
  const longest = new Uint32Array((rows + 1) * width);
  const at = (i: number, j: number): number => longest[i * width + j] ?? 0;
  for (let i = rows - 1; i >= 0; i -= 1)
    for (let j = columns - 1; j >= 0; j -= 1)
      longest[i * width + j] =
        before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const found: Line[] = [];
  let i = 0;
  let j = 0;
  while (i < rows || j < columns) {
    if (i < rows && j < columns && before[i] === after[j]) {
      found.push({ kind: 'same', text: before[i] ?? '' });
      i += 1;
      j += 1;
    } else if (i < rows && (j >= columns || at(i + 1, j) >= at(i, j + 1))) {
      found.push({ kind: 'gone', text: before[i] ?? '' });
      i += 1;
    } else {
      found.push({ kind: 'new', text: after[j] ?? '' });
      j += 1;
    }
  }
  return found;
}

/** The lines of both texts, those that they share once. */
export function lineDiff(before: string, after: string): Line[] {
  const a = split(before);
  const b = split(after);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const same = (text: string): Line => ({ kind: 'same', text });
  return [
    ...a.slice(0, head).map(same),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(same),
  ];
}

/** The lines of a diff without those far from any change. */
export function nearby(lines: readonly Line[], around = 3): Line[] {
  const near = new Set<number>();
  lines.forEach(({ kind }, i) => {
    if (kind !== 'same') for (let at = i - around; at <= i + around; at += 1) near.add(at);
  });
  const found: Line[] = [];
  let left = 0;
  const tell = (): void => {
    if (left > 0) found.push({ kind: 'left out', text: `${left} ${left === 1 ? 'line' : 'lines'}` });
    left = 0;
  };
  lines.forEach((line, i) => {
    if (near.has(i)) {
      tell();
      found.push(line);
    } else left += 1;
  });
  tell();
  return found;
}

/** The lines of a unified diff. */
export function unifiedLines(diff: string): Line[] {
  return split(diff)
    .filter((line) => !line.startsWith('---') && !line.startsWith('+++'))
    .map((line) => {
      const kind = line.startsWith('@@')
        ? 'left out'
        : line.startsWith('+')
          ? 'new'
          : line.startsWith('-')
            ? 'gone'
            : 'same';
      return {
        kind,
        text:
          kind === 'left out' ? line.replace(/^@@ -\d+(?:,\d+)? \+(\d+).*$/u, 'from line $1') : line.slice(1),
      };
    });
}
