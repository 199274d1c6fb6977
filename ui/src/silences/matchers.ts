// What a silence is about: matchers, as they are written in addresses and by hand.

import type { AlertView } from '../api/alerts';
import type { Silence, SilenceMatcher } from '../api/alerting';
import type { Labels } from '../api/types';
import { meets, parseFilter, parseFilters, writeFilter, writeFilters } from '../design/filter';

/** The matchers that a text lists: `alertname="Down",job=~"a|b"`. */
export function readMatchers(text: string): SilenceMatcher[] {
  return parseFilters(text).map(({ name, operator, value }) => ({ name, op: operator, value }));
}

export function writeMatchers(matchers: readonly SilenceMatcher[]): string {
  return writeFilters(matchers.map(({ name, op, value }) => ({ name, operator: op, value })));
}

/** Matchers of exactly these labels. */
export function matchersOf(labels: Labels): SilenceMatcher[] {
  return Object.entries(labels).map(([name, value]) => ({ name, op: '=', value }));
}

/** Whether all matchers fit the labels. */
export function fits(matchers: readonly SilenceMatcher[], labels: Labels): boolean {
  return matchers.every(({ name, op, value }) => meets(labels, { name, operator: op, value }));
}

/** Why a silence cannot be made of these matchers; null when it can. */
export function faultOf(matchers: readonly SilenceMatcher[]): string | null {
  if (matchers.length === 0)
    return 'Name at least one label: a silence without matchers would hide everything.';
  const nameless = matchers.find(({ name }) => name.trim() === '');
  if (nameless) return 'Every matcher names a label.';
  for (const { name, op, value } of matchers) {
    if (!op.endsWith('~')) continue;
    try {
      new RegExp(value, 'su');
    } catch {
      return `${name}: “${value}” is not a regular expression.`;
    }
  }
  // What fits the empty value of every label fits alerts that have nothing to do with it.
  if (fits(matchers, {})) return 'At least one matcher must ask for something: these fit every alert.';
  return null;
}

/** The silences that hold an alert back or will, those in force first. */
export function silencesOf(alert: AlertView, all: readonly Silence[]): Silence[] {
  return all
    .filter(({ state, matchers }) => state !== 'expired' && fits(matchers, alert.labels))
    .sort((a, b) => a.state.localeCompare(b.state) || Date.parse(a.ends) - Date.parse(b.ends));
}

/** Matchers as definitions list them, one or several a text; `rest` are those that are written in another way. */
export function readTexts(texts: readonly string[]): { matchers: SilenceMatcher[]; rest: string[] } {
  const rest: string[] = [];
  const matchers = texts.flatMap((text) => {
    const inner = text.trim().replace(/^\{(.*)\}$/su, '$1');
    const listed = readMatchers(inner);
    // Read wholly, or not at all: a part of a condition is another condition.
    const plain = (one: string): string => one.replace(/\s/gu, '');
    if (listed.length > 0 && plain(writeMatchers(listed)) === plain(inner)) return listed;
    const bare = /[",{}]/u.test(inner) ? null : parseFilter(inner);
    if (bare) return [{ name: bare.name, op: bare.operator, value: bare.value }];
    rest.push(text);
    return [];
  });
  return { matchers, rest };
}

/** Matchers as definitions list them, those without a name left out. */
export function writeTexts(matchers: readonly SilenceMatcher[]): string[] {
  return matchers
    .filter(({ name }) => name.trim() !== '')
    .map(({ name, op, value }) => writeFilter({ name: name.trim(), operator: op, value }));
}
