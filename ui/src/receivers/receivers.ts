// How receivers do, and labels as a person types them.

import type { Integration, Letter, Receiver } from '../api/receivers';
import type { Labels } from '../api/types';
import { holdsWords, parseFilters } from '../design/filter';
import type { Status } from '../design/status';

/** An integration, and whose it is. A receiver without any has one row, without an integration. */
export interface ReceiverRow {
  key: string;
  receiver: string;
  integration: Integration | null;
}

const ORDER: readonly Integration['state'][] = ['dead', 'failing', 'holding', 'ok', 'unused'];

const STATUS: Readonly<Record<Integration['state'], Status>> = {
  dead: 'critical',
  failing: 'warning',
  holding: 'muted',
  ok: 'ok',
  unused: 'unknown',
};

const WORDS: Readonly<Record<Integration['state'], string>> = {
  dead: 'not delivered',
  failing: 'failing',
  holding: 'holds back',
  ok: 'delivers',
  unused: 'no alert yet',
};

export function statusOf(integration: Integration | null): Status {
  return integration === null ? 'muted' : STATUS[integration.state];
}

export function wordOf(integration: Integration | null): string {
  return integration === null ? 'tells nobody' : WORDS[integration.state];
}

function rank({ integration }: ReceiverRow): number {
  return integration === null ? ORDER.length : ORDER.indexOf(integration.state);
}

/** The integrations of all receivers that hold every word, those in trouble first. */
export function rowsOf(all: readonly Receiver[], wanted: string): ReceiverRow[] {
  const holds = holdsWords(wanted);
  const rows = all.flatMap(({ name, integrations }): ReceiverRow[] =>
    integrations.length === 0
      ? [{ key: name, receiver: name, integration: null }]
      : integrations.map((integration) => ({
          key: `${name} ${integration.name}`,
          receiver: name,
          integration,
        })),
  );
  const text = ({ receiver, integration }: ReceiverRow): string =>
    `${receiver} ${integration?.name ?? ''} ${integration?.error ?? ''}`;
  return rows.filter((row) => holds(text(row))).sort((a, b) => rank(a) - rank(b));
}

/** How many messages no receiver took, and none will unless somebody sends them again. */
export function countUndelivered(all: readonly Receiver[]): number {
  return all.flatMap(({ integrations }) => integrations).reduce((count, { dead }) => count + dead, 0);
}

/** What could not be delivered, newest first, and before that nothing: what is owed stands below, soonest first. */
export function sortLetters(all: readonly Letter[]): Letter[] {
  return [...all].sort((a, b) => {
    if (a.state !== b.state) return a.state === 'dead' ? -1 : 1;
    return a.state === 'dead'
      ? Date.parse(b.created_at) - Date.parse(a.created_at)
      : Date.parse(a.due_at) - Date.parse(b.due_at);
  });
}

const BARE = /^\s*([^\s=!~"{},]+)\s*=\s*(.*?)\s*$/su;

/**
 * Labels as they are typed: `severity="critical", team=core`, as a selector, or one a line. What is read stands in
 * `labels`; the first piece that is none in `fault`.
 */
export function readLabels(text: string): { labels: Labels; fault: string | null } {
  const inner = text.trim().replace(/^\{(.*)\}$/su, '$1');
  const labels: Record<string, string> = {};
  let fault: string | null = null;
  // Commas and ends of lines part them, but for those in quotes.
  for (const piece of inner.match(/(?:"(?:[^"\\]|\\.)*"|[^,\n"])+/gsu) ?? []) {
    if (piece.trim() === '') continue;
    const [quoted] = parseFilters(piece);
    const bare = BARE.exec(piece);
    if (quoted?.operator === '=') labels[quoted.name] = quoted.value;
    else if (quoted === undefined && bare) labels[bare[1] ?? ''] = bare[2] ?? '';
    else fault ??= piece.trim();
  }
  return { labels, fault };
}
