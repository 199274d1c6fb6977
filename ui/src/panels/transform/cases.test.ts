import { expect, it } from 'vitest';
import type { Cell, Field, FieldType, Frame } from '../frame';
import { baseNames, fieldsOf } from '../names';
import CASES from './cases.json';
import { transform } from './transform';

interface Column {
  name: string;
  type?: string;
  values: readonly Cell[];
  labels?: unknown;
}

function frameOf(columns: readonly Column[]): Frame {
  return {
    refId: 'A',
    fields: columns.map(({ name, type, values, labels }): Field => ({
      name,
      type: (type ?? 'number') as FieldType,
      values,
      ...(labels === undefined ? {} : { labels: labels as Record<string, string> }),
    })),
  };
}

/** Columns by what names them: the field's own name, or what a transformation named it. */
function seen(frames: readonly Frame[], wanted: readonly (readonly Column[])[]): Column[][] {
  const names = new Map(baseNames(frames).map((name, i) => [fieldsOf(frames)[i], name]));
  return frames.map(({ fields }, frame) =>
    fields.map((field, i) => ({
      name: field.asked === undefined ? field.name : (names.get(field) ?? ''),
      values: field.values,
      ...(wanted[frame]?.[i]?.labels === undefined ? {} : { labels: field.labels }),
    })),
  );
}

it.each(CASES)('$name', ({ transformation, frames, becomes }) =>
  expect(
    seen(
      transform(
        frames.map((columns: readonly Column[]) => frameOf(columns)),
        [transformation],
      ).frames,
      becomes,
    ),
  ).toEqual(becomes),
);
