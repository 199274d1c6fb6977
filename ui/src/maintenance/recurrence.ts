// When something comes again: a rule of recurrence (RFC 5545) as the fields of a form.

export const DAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const;
export type Day = (typeof DAYS)[number];

export const DAY_NAMES: Readonly<Record<Day, string>> = {
  MO: 'Monday',
  TU: 'Tuesday',
  WE: 'Wednesday',
  TH: 'Thursday',
  FR: 'Friday',
  SA: 'Saturday',
  SU: 'Sunday',
};

export const KINDS = ['once', 'daily', 'weekly', 'monthly', 'nth', 'yearly', 'rule'] as const;
export type Kind = (typeof KINDS)[number];

export const NTHS = ['1', '2', '3', '4', '-1'] as const;

export interface Recurrence {
  kind: Kind;
  /** Of days, weeks, months or years. */
  every: string;
  /** Of weekly ones; none for the day on which it first begins. */
  days: readonly Day[];
  /** Of monthly ones on a day of the week: which of them. */
  nth: string;
  day: Day;
  /** The last day, as `2026-12-31`; empty for no end. */
  until: string;
  /** How many times; empty for any number. */
  times: string;
  /** All other rules, as they are written. */
  rule: string;
}

export const ONCE: Recurrence = {
  kind: 'once',
  every: '1',
  days: [],
  nth: '1',
  day: 'MO',
  until: '',
  times: '',
  rule: '',
};

const FREQUENCIES: Readonly<Record<string, Kind>> = {
  DAILY: 'daily',
  WEEKLY: 'weekly',
  MONTHLY: 'monthly',
  YEARLY: 'yearly',
};

function isDay(text: string): text is Day {
  return (DAYS as readonly string[]).includes(text);
}

function readParts(text: string): Map<string, string> {
  return new Map(
    text
      .split(';')
      .filter(Boolean)
      .map((part): [string, string] => {
        const at = part.indexOf('=');
        return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
      }),
  );
}

/** The fields that say what a rule says; the rule itself where fields cannot. */
export function readRule(text: string): Recurrence {
  if (text.trim() === '') return ONCE;
  const parts = readParts(
    text
      .trim()
      .toUpperCase()
      .replace(/^RRULE:/u, ''),
  );
  const own: Recurrence = { ...ONCE, kind: 'rule', rule: text };
  const kind = FREQUENCIES[parts.get('FREQ') ?? ''];
  const days = (parts.get('BYDAY') ?? '').split(',').filter(Boolean);
  const until = parts.get('UNTIL');
  const known = ['FREQ', 'INTERVAL', 'BYDAY', 'UNTIL', 'COUNT'];
  if (kind === undefined || [...parts.keys()].some((name) => !known.includes(name))) return own;
  // A time of the last day is more than the form says, unless it is the last one.
  if (until !== undefined && !/^\d{8}(T235959)?$/u.test(until)) return own;
  const found: Recurrence = {
    ...ONCE,
    kind,
    every: parts.get('INTERVAL') ?? '1',
    until: until === undefined ? '' : until.replace(/^(\d{4})(\d\d)(\d\d).*$/u, '$1-$2-$3'),
    times: parts.get('COUNT') ?? '',
  };
  if (days.length === 0) return found;
  if (kind === 'weekly' && days.every(isDay)) return { ...found, days: days.filter(isDay) };
  const [only = ''] = days;
  const named = /^(-1|[1-4])([A-Z]{2})$/u.exec(only);
  const day = named?.[2] ?? '';
  if (kind === 'monthly' && days.length === 1 && named && isDay(day))
    return { ...found, kind: 'nth', nth: named[1] ?? '1', day };
  return own;
}

/** The rule that fields say; empty for once. */
export function writeRule(of: Recurrence): string {
  if (of.kind === 'once') return '';
  if (of.kind === 'rule') return of.rule.trim();
  const frequency = of.kind === 'nth' ? 'MONTHLY' : of.kind.toUpperCase();
  const every = of.every.trim();
  return [
    `FREQ=${frequency}`,
    ...(every === '' || every === '1' ? [] : [`INTERVAL=${every}`]),
    ...(of.kind === 'weekly' && of.days.length > 0
      ? [`BYDAY=${DAYS.filter((day) => of.days.includes(day)).join(',')}`]
      : []),
    ...(of.kind === 'nth' ? [`BYDAY=${of.nth}${of.day}`] : []),
    ...(of.until === '' ? [] : [`UNTIL=${of.until.replaceAll('-', '')}T235959`]),
    ...(of.times.trim() === '' ? [] : [`COUNT=${of.times.trim()}`]),
  ].join(';');
}

const UNITS: Readonly<Partial<Record<Kind, string>>> = {
  daily: 'day',
  weekly: 'week',
  monthly: 'month',
  nth: 'month',
  yearly: 'year',
};

/** What comes after "every": days, weeks, months, years. */
export function unitOf(kind: Kind): string {
  return `${UNITS[kind] ?? ''}s`;
}

export const NTH_NAMES: Readonly<Record<string, string>> = {
  '1': 'first',
  '2': 'second',
  '3': 'third',
  '4': 'fourth',
  '-1': 'last',
};

/** A rule in words. */
export function sayRule(text: string): string {
  const of = readRule(text);
  if (of.kind === 'once') return 'once';
  if (of.kind === 'rule') return of.rule;
  const unit = UNITS[of.kind] ?? '';
  const every = of.every === '1' ? `every ${unit}` : `every ${of.every} ${unit}s`;
  const days = of.days.length > 0 ? ` on ${of.days.map((day) => DAY_NAMES[day]).join(', ')}` : '';
  const nth = of.kind === 'nth' ? ` on the ${NTH_NAMES[of.nth] ?? of.nth} ${DAY_NAMES[of.day]}` : '';
  const until = of.until === '' ? '' : `, until ${of.until}`;
  const times = of.times === '' ? '' : `, ${of.times} times`;
  return `${every}${days}${nth}${until}${times}`;
}
