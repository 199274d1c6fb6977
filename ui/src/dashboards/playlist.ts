// Dashboards one after the other on a screen: which, and how long each. All of it stands in the address. Pure.

import type { Search } from '../address/context';
import { parseDuration } from '../time/durations';

export interface Playlist {
  uids: readonly string[];
  everyMs: number;
}

const LEAST_MS = 5_000;
const USUAL_MS = 30_000;
/** More than anybody waits for. */
export const MOST_PLAYED = 100;

/** What `search` plays; null where it plays nothing. */
export function readPlaylist({ playlist, every }: Search): Playlist | null {
  const uids = (playlist ?? '').split(',').filter((uid) => uid !== '');
  if (uids.length === 0) return null;
  return {
    uids: uids.slice(0, MOST_PLAYED),
    everyMs: Math.max(LEAST_MS, parseDuration(every ?? '') ?? USUAL_MS),
  };
}

/** The parameters under which `uids` are played, each for `every`. */
export function writePlaylist(uids: readonly string[], every: string): Search {
  return { playlist: uids.slice(0, MOST_PLAYED).join(','), every, kiosk: '1' };
}

/** What comes `by` places after `uid`, round and round; the first where `uid` is none of them. */
export function neighbour({ uids }: Playlist, uid: string, by: 1 | -1): string {
  const place = uids.indexOf(uid);
  return uids[place < 0 ? 0 : (place + by + uids.length) % uids.length] ?? uid;
}
