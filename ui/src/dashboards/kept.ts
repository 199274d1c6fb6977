// What a reader's browser keeps about dashboards: stars, and what was seen lately.

import { readStoredList, writeStored } from '../design/stored';

const STARRED = 'pharos-dashboards-starred';
const VISITED = 'pharos-dashboards-visited';
const MOST_VISITED = 20;

/** The uids of the starred ones, in the order in which they were starred. */
export function readStarred(): readonly string[] {
  return readStoredList(STARRED);
}

/** Stars `uid`, or takes its star; says what is starred then. */
export function toggleStar(uid: string): readonly string[] {
  const now = readStarred();
  const next = now.includes(uid) ? now.filter((one) => one !== uid) : [...now, uid];
  writeStored(STARRED, JSON.stringify(next));
  return next;
}

/** The uids of those seen lately, the newest first. */
export function readVisited(): readonly string[] {
  return readStoredList(VISITED);
}

/** Keeps that `uid` was seen now. */
export function noteVisit(uid: string): void {
  const next = [uid, ...readVisited().filter((one) => one !== uid)].slice(0, MOST_VISITED);
  writeStored(VISITED, JSON.stringify(next));
}
