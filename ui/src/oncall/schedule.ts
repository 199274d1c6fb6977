// A schedule of several layers as the fields of a form.

import type { Json } from '../api/governance';

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export const UNITS = ['hour', 'day', 'week'] as const;

export interface DraftWindow {
  days: readonly string[];
  start: string;
  end: string;
}

export interface DraftLayer {
  /** For React alone. */
  id: number;
  name: string;
  /** Each turn a line; of who are on call together, with commas between. */
  people: string;
  starts: string;
  ends: string;
  every: string;
  unit: string;
  windows: readonly DraftWindow[];
  zone: string;
  /** iCalendar instead of people. */
  isCalendar: boolean;
  calendar: string;
}

export interface DraftSchedule {
  zone: string;
  description: string;
  layers: readonly DraftLayer[];
}

type Fields = Readonly<Record<string, Json>>;

function fieldsOf(value: Json | undefined): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

export function blankLayer(id: number, starts: string): DraftLayer {
  return {
    id,
    name: `layer ${id + 1}`,
    people: '',
    starts,
    ends: '',
    every: '1',
    unit: 'week',
    windows: [],
    zone: '',
    isCalendar: false,
    calendar: '',
  };
}

function layerOf(value: Json, id: number): DraftLayer {
  const of = fieldsOf(value);
  const calendar = textOf(of['calendar']);
  return {
    id,
    name: textOf(of['name']),
    people: listOf(of['people'])
      .map((turn) => (Array.isArray(turn) ? (turn as readonly Json[]).map(textOf).join(', ') : textOf(turn)))
      .join('\n'),
    starts: textOf(of['starts']).slice(0, 16),
    ends: textOf(of['ends']).slice(0, 16),
    every: textOf(of['every']) || '1',
    unit: textOf(of['unit']) || 'week',
    windows: listOf(of['windows']).map((one) => {
      const window = fieldsOf(one);
      return {
        days: window['days'] === undefined ? DAYS : listOf(window['days']).map(textOf),
        start: textOf(window['start']).slice(0, 5) || '00:00',
        end: textOf(window['end']).slice(0, 5) || '00:00',
      };
    }),
    zone: textOf(of['time_zone']),
    isCalendar: calendar !== '',
    calendar,
  };
}

/** A schedule that is kept, as fields. */
export function scheduleDraftOf(document: Fields): DraftSchedule {
  return {
    zone: textOf(document['time_zone']) || 'UTC',
    description: textOf(document['description']),
    layers: listOf(document['layers']).map(layerOf),
  };
}

/** The turns that a text lists: one a line, with commas between those who are on call together. */
export function turnsIn(text: string): (string | string[])[] {
  return text
    .split('\n')
    .map((line) =>
      line
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean),
    )
    .filter((turn) => turn.length > 0)
    .map((turn) => (turn.length === 1 ? (turn[0] ?? '') : turn));
}

function layerDocument(of: DraftLayer): Fields {
  return {
    name: of.name.trim(),
    ...(of.isCalendar
      ? { calendar: of.calendar }
      : {
          people: turnsIn(of.people),
          ...(of.starts === '' ? {} : { starts: of.starts }),
          // What is no number is told by the server, at this field.
          every: Number(of.every),
          unit: of.unit,
        }),
    ...(of.ends === '' ? {} : { ends: of.ends }),
    ...(of.windows.length === 0
      ? {}
      : {
          windows: of.windows.map(({ days, start, end }) => ({
            days: DAYS.filter((day) => days.includes(day)),
            start,
            end,
          })),
        }),
    ...(of.zone === '' ? {} : { time_zone: of.zone }),
  };
}

/** The schedule that a draft says. */
export function scheduleOf(draft: DraftSchedule): Fields {
  return {
    time_zone: draft.zone,
    layers: draft.layers.map(layerDocument),
    ...(draft.description.trim() === '' ? {} : { description: draft.description.trim() }),
  };
}
