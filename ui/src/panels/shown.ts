// A value as the reader sees it: mapped, in its unit, coloured.

import type { Scheme } from '../design/colors';
import type { FieldConfig, Mapped, Mapping } from './config';
import { cellText, numeric, type Cell } from './frame';
import type { ShownField } from './overrides';
import { namedColor, shareOf, valueColor, type Ends } from './palette';
import { reduce } from './reduce';
import { writeIn, type Clock, type Written } from './units/format';
import { isDate } from './units/table';

export interface Shown extends Written {
  text: string;
  color: string;
  /** The number, where it is one. */
  value: number | null;
  /** Where it lies between the ends, 0 to 1. */
  share: number;
  /** Its text is that of a mapping. */
  mapped: boolean;
}

export interface Looks {
  scheme: Scheme;
  clock: Clock;
}

function special(mapping: Extract<Mapping, { kind: 'special' }>, cell: Cell): boolean {
  const nan = typeof cell === 'number' && Number.isNaN(cell);
  switch (mapping.match) {
    case 'null':
      return cell === null;
    case 'nan':
      return nan;
    case 'null+nan':
      return cell === null || nan;
    case 'empty':
      return cell === '';
    default:
      return cell === (mapping.match === 'true');
  }
}

/** What the first mapping that fits makes of `cell`; null where none does. */
export function mapped(mappings: readonly Mapping[], cell: Cell): Mapped | null {
  for (const mapping of mappings) {
    if (mapping.kind === 'special' && special(mapping, cell)) return mapping.result;
    if (mapping.kind === 'value') {
      const found = mapping.of.get(cellText(cell));
      if (found && cell !== null) return found;
    }
    if (mapping.kind === 'range') {
      const value = numeric(cell);
      if (value !== null && value >= mapping.from && value <= mapping.to) return mapping.result;
    }
    if (mapping.kind === 'regex') {
      const found = typeof cell === 'string' ? mapping.pattern.exec(cell) : null;
      if (!found) continue;
      const { text } = mapping.result;
      const filled = text?.replace(/\$(\d)/gu, (_, group: string) => found[Number(group)] ?? '');
      return { ...mapping.result, ...(filled === undefined ? {} : { text: filled }) };
    }
  }
  return null;
}

const PERCENT: Readonly<Record<string, number>> = { percent: 100, percentunit: 1 };

/** The ends that a field's values lie between: those it is given, of percents all there are, else those of `fields`. */
export function endsOf(field: ShownField, fields: readonly ShownField[]): Ends {
  const { min, max, unit } = field.config;
  const whole = PERCENT[unit];
  const extreme = (id: 'min' | 'max'): number => {
    const found = fields.flatMap((one) => {
      const value = one.type === 'number' ? reduce(one, id) : null;
      return typeof value === 'number' ? [value] : [];
    });
    return found.length === 0 ? (id === 'min' ? 0 : 100) : Math[id](...found);
  };
  return {
    min: min ?? (whole === undefined ? extreme('min') : 0),
    max: max ?? whole ?? extreme('max'),
  };
}

const NO_ENDS: Ends = { min: 0, max: 100 };

/** `cell` of field number `index`, as its configuration has it shown. */
export function show(
  config: FieldConfig,
  cell: Cell,
  looks: Looks,
  about: { ends?: Ends; index?: number; otherwise?: string } = {},
): Shown {
  const { ends = NO_ENDS, index = 0, otherwise } = about;
  const { scheme, clock } = looks;
  const value = typeof cell === 'string' && config.unit === 'string' ? null : numeric(cell);
  const found = mapped(config.mappings, cell);
  const color =
    found?.color === undefined
      ? valueColor(config, value, { ends, index, scheme, ...(otherwise === undefined ? {} : { otherwise }) })
      : namedColor(found.color, scheme);
  const share = value === null ? 0 : shareOf(value, ends);
  const told = (written: Written): Shown => ({
    ...written,
    text: written.before + written.figure + written.after,
    color,
    value,
    share,
    mapped: found?.text !== undefined,
  });
  if (found?.text !== undefined && found.text !== '')
    return told({ before: '', figure: found.text, after: '' });
  if (cell === null) return told({ before: '', figure: config.noValue ?? '', after: '' });
  if (typeof cell === 'string' && !isDate(config.unit)) return told({ before: '', figure: cell, after: '' });
  if (typeof cell === 'boolean' && !config.unit.startsWith('bool'))
    return told({ before: '', figure: String(cell), after: '' });
  if (value === null)
    return told({ before: '', figure: cellText(cell) || (config.noValue ?? ''), after: '' });
  return told(writeIn(value, config.unit, config.decimals, clock));
}
