/** The `most` names that fit `wanted` (lower case) best: those that start with it, then those that hold it, then those that hold all its words. */
export function rankMetrics(names: readonly string[], wanted: string, most: number): string[] {
  if (wanted === '') return names.slice(0, most);
  const words = wanted.split(/\s+/);
  const ranked: [number, string][] = [];
  for (const name of names) {
    const lower = name.toLowerCase();
    if (lower.startsWith(wanted)) ranked.push([0, name]);
    else if (lower.includes(wanted)) ranked.push([1, name]);
    else if (words.every((word) => lower.includes(word))) ranked.push([2, name]);
  }
  ranked.sort((a, b) => a[0] - b[0] || a[1].length - b[1].length);
  return ranked.slice(0, most).map(([, name]) => name);
}
