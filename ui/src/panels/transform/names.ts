// What transformations share: fields by their names, and whether a value passes a condition.

import { readPattern } from '../config';
import { cellText, numeric, type Cell, type Field, type Frame } from '../frame';
import { at, numberAt, textAt, texts, writeJson } from '../json';
import { baseNames } from '../names';

/** A step that makes frames of frames. */
export type Step = (frames: readonly Frame[], options: unknown) => readonly Frame[];

export interface NamedField extends Field {
  /** What the reader, and so the transformation's options, call it. */
  title: string;
}

export interface NamedFrame extends Frame {
  fields: readonly NamedField[];
}

/** `frames` with the name by which options mean each field. */
export function named(frames: readonly Frame[]): NamedFrame[] {
  const names = baseNames(frames);
  let place = 0;
  return frames.map((frame) => ({
    ...frame,
    fields: frame.fields.map((field) => {
      const title = names[place] ?? field.name;
      place += 1;
      return { ...field, title };
    }),
  }));
}

/** `field` under another name. */
export function renamed(field: Field, name: string): Field {
  return { ...field, asked: name };
}

export function isMeant(field: NamedField, name: string): boolean {
  return field.title === name || field.name === name;
}

/** The pattern in `text`; one that fits nothing where it is none. */
export function pattern(text: string): RegExp {
  return readPattern(text) ?? /(?!)/u;
}

/** Whether a name is in `names`, or fits `pattern`, of an include or an exclude. */
export function chooser(options: unknown, byVariable = false): ((title: string) => boolean) | null {
  // A variable of several values stands there as `{a,b}`.
  const chosen = byVariable ? textAt(options, 'variable').split(/[{},]/u) : [];
  const names = new Set([
    ...texts(at(options, 'names')),
    ...chosen.map((name) => name.trim()).filter((name) => name !== ''),
  ]);
  const written = textAt(options, 'pattern');
  if (names.size === 0 && written === '') return null;
  const fits = written === '' ? null : pattern(written);
  return (title) => names.has(title) || (fits?.test(title) ?? false);
}

/** Whether a cell passes a condition of Grafana's value matchers. */
export function passes(cell: Cell, id: string, options: unknown): boolean {
  const wanted = at(options, 'value');
  const value = numeric(cell);
  const limit = numberAt(options, 'value');
  switch (id) {
    case 'isNull':
      return cell === null;
    case 'isNotNull':
      return cell !== null;
    case 'equal':
      return cellText(cell) === writeJson(wanted ?? null) || (value !== null && value === limit);
    case 'notEqual':
      return !passes(cell, 'equal', options);
    case 'regex':
      return pattern(textAt(options, 'value')).test(cellText(cell));
    case 'substring':
      return cellText(cell).toLowerCase().includes(textAt(options, 'value').toLowerCase());
    case 'notSubstring':
      return !passes(cell, 'substring', options);
    case 'greater':
      return value !== null && limit !== undefined && value > limit;
    case 'greaterOrEqual':
      return value !== null && limit !== undefined && value >= limit;
    case 'lower':
      return value !== null && limit !== undefined && value < limit;
    case 'lowerOrEqual':
      return value !== null && limit !== undefined && value <= limit;
    case 'between':
      return (
        value !== null &&
        value >= (numberAt(options, 'from') ?? -Infinity) &&
        value <= (numberAt(options, 'to') ?? Infinity)
      );
    default:
      return true;
  }
}

/** `frame` without the names that `named` gave. */
export function unnamed(frame: NamedFrame): Frame {
  return { ...frame, fields: frame.fields.map(untitled) };
}

/** `field` without the name that `named` gave. */
export function untitled(field: Field): Field {
  const bare: Partial<NamedField> = { ...field };
  delete bare.title;
  return bare as Field;
}
