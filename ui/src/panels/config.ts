// How a field is shown, read from a panel's `fieldConfig`: what is not said has the value that Grafana gives it.

import {
  asNumber,
  at,
  list,
  NOTHING,
  numberAt,
  object,
  objects,
  textAt,
  writeJson,
  type Json,
  type JsonObject,
} from './json';

export interface ThresholdStep {
  /** From here upwards; minus infinity for the first. */
  value: number;
  color: string;
}

export interface Thresholds {
  mode: 'absolute' | 'percentage';
  steps: readonly ThresholdStep[];
}

/** What stands in a value's place. */
export interface Mapped {
  text?: string;
  color?: string;
}

export type SpecialMatch = 'null' | 'nan' | 'null+nan' | 'true' | 'false' | 'empty';

export type Mapping =
  | { kind: 'value'; of: ReadonlyMap<string, Mapped> }
  | { kind: 'range'; from: number; to: number; result: Mapped }
  | { kind: 'regex'; pattern: RegExp; result: Mapped }
  | { kind: 'special'; match: SpecialMatch; result: Mapped };

export interface DataLink {
  title: string;
  url: string;
  newTab: boolean;
}

export interface ColorChoice {
  /** `thresholds`, `fixed`, `palette-classic`, `continuous-GrYlRd`, ... */
  mode: string;
  fixed: string;
  /** Which value of a series its colour is of, where that depends on a value. */
  by: 'last' | 'min' | 'max';
}

export interface FieldConfig {
  unit: string;
  decimals?: number;
  min?: number;
  max?: number;
  displayName?: string;
  noValue?: string;
  color: ColorChoice;
  thresholds: Thresholds;
  mappings: readonly Mapping[];
  links: readonly DataLink[];
  /** What only the panel's kind knows: line widths, cell types. */
  custom: JsonObject;
}

/** Nothing is bad of which nobody said so: Grafana's own default, red from 80 on, would call 400 samples an alarm. */
const ALL_GREEN: Thresholds = { mode: 'absolute', steps: [{ value: -Infinity, color: 'green' }] };

/** A pattern as Grafana writes it: `/text/i`, or one that the whole text fits. Null for what is none. */
export function readPattern(text: string): RegExp | null {
  const found = /^\/(.*)\/([gimsuy]*)$/su.exec(text);
  try {
    return found
      ? new RegExp(found[1] ?? '', (found[2] ?? '').replaceAll(/[gy]/gu, ''))
      : new RegExp(`^${text}$`);
  } catch {
    return null;
  }
}

function readThresholds(value: Json | undefined): Thresholds {
  const steps = objects(at(value, 'steps')).map((step) => ({
    value: numberAt(step, 'value') ?? -Infinity,
    color: textAt(step, 'color', 'green'),
  }));
  if (steps.length === 0) return ALL_GREEN;
  const mode = textAt(value, 'mode') === 'percentage' ? 'percentage' : 'absolute';
  return { mode, steps: steps.sort((a, b) => a.value - b.value) };
}

function readMapped(value: unknown): Mapped {
  const text = at(value, 'text');
  const color = textAt(value, 'color');
  return {
    ...(text === undefined || text === null ? {} : { text: writeJson(text) }),
    ...(color === '' ? {} : { color }),
  };
}

const SPECIAL: readonly SpecialMatch[] = ['null', 'nan', 'null+nan', 'true', 'false', 'empty'];

function readMapping(value: JsonObject): Mapping | null {
  const options = object(value.options);
  const result = readMapped(options.result);
  switch (value.type) {
    case 'value':
      return {
        kind: 'value',
        of: new Map(Object.entries(options).map(([key, one]) => [key, readMapped(one)])),
      };
    case 'range':
      return {
        kind: 'range',
        from: numberAt(options, 'from') ?? -Infinity,
        to: numberAt(options, 'to') ?? Infinity,
        result,
      };
    case 'regex': {
      const pattern = readPattern(textAt(options, 'pattern'));
      return pattern && { kind: 'regex', pattern, result };
    }
    case 'special': {
      const match = SPECIAL.find((one) => one === options.match);
      return match === undefined ? null : { kind: 'special', match, result };
    }
    // As they were until Grafana 8.
    case 1: {
      const key = textAt(value, 'value');
      if (key === 'null') return { kind: 'special', match: 'null', result: readMapped(value) };
      return { kind: 'value', of: new Map([[key, readMapped(value)]]) };
    }
    case 2:
      return {
        kind: 'range',
        from: numberAt(value, 'from') ?? -Infinity,
        to: numberAt(value, 'to') ?? Infinity,
        result: readMapped(value),
      };
    default:
      return null;
  }
}

/** Links as panels, fields and dashboards have them; those without an address are left out. */
export function readLinks(value: unknown): readonly DataLink[] {
  return objects(value).flatMap((link) => {
    const url = textAt(link, 'url');
    return url === '' ? [] : [{ title: textAt(link, 'title'), url, newTab: link.targetBlank === true }];
  });
}

function optional<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): Partial<Record<Key, Value>> {
  return value === undefined ? {} : ({ [key]: value } as Record<Key, Value>);
}

/** A field's configuration as it stands in `defaults`, overrides laid over it. */
export function readConfig(value: JsonObject): FieldConfig {
  const by = textAt(value, 'color.seriesBy');
  const name = textAt(value, 'displayName');
  const none = textAt(value, 'noValue');
  return {
    unit: textAt(value, 'unit', 'none'),
    ...optional('decimals', numberAt(value, 'decimals')),
    ...optional('min', asNumber(value.min)),
    ...optional('max', asNumber(value.max)),
    ...optional('displayName', name === '' ? undefined : name),
    ...optional('noValue', none === '' ? undefined : none),
    color: {
      mode: textAt(value, 'color.mode'),
      fixed: textAt(value, 'color.fixedColor', 'gray'),
      by: by === 'min' || by === 'max' ? by : 'last',
    },
    thresholds: readThresholds(value.thresholds),
    mappings: list(value.mappings).flatMap((one) => readMapping(object(one)) ?? []),
    links: readLinks(value.links),
    custom: object(value.custom),
  };
}

/** A configuration that says nothing. */
export const PLAIN = readConfig(NOTHING);
