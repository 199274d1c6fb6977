// What fields are called: by their query, by what sets them apart, or by the panel's own words.

import { formatLabels, nameSeries } from '../chart/columns';
import type { Field, Frame } from './frame';

/** Every field of `frames`. */
export function fieldsOf(frames: readonly Frame[]): Field[] {
  return frames.flatMap(({ fields }) => fields);
}

const VALUE_NAMES = ['Value', 'value'];

/** Whether `name` says only that there is a value, so that its labels or its frame must name it. */
function says(name: string): boolean {
  return !VALUE_NAMES.includes(name) && !/^Value #\w+$/u.test(name);
}

/** A name for each field, in the order of `fieldsOf`, as far as the panel's configuration has no say in it. */
export function baseNames(frames: readonly Frame[]): string[] {
  const labelled = fieldsOf(frames).filter(
    // A legend of labels that a series lacks names nothing.
    ({ asked, labels, type }) =>
      (asked === undefined || asked === '') &&
      labels !== undefined &&
      type !== 'time' &&
      Object.keys(labels).length > 0,
  );
  const named = new Map(
    nameSeries(labelled.map(({ labels }) => labels ?? {})).names.map((name, i) => [labelled[i], name]),
  );
  return frames.flatMap((frame) =>
    frame.fields.map((field) => {
      if (field.asked !== undefined && field.asked !== '') return field.asked;
      const name = named.get(field);
      if (name !== undefined && !says(field.name)) return name;
      if (name !== undefined) return labelled.length > 1 ? `${field.name} ${name}` : field.name;
      if (says(field.name)) return field.name;
      return frame.name !== undefined && frame.name !== '' ? frame.name : field.name;
    }),
  );
}

/** All that a field may be meant by in a panel's overrides. */
export function namesOf(field: Field, base: string): readonly string[] {
  return field.labels === undefined ? [base, field.name] : [base, field.name, formatLabels(field.labels)];
}

/**
 * What a field that no configuration names is seen as: what its query named it, or all of its labels. A legend
 * hides the labels behind it, so that a pattern for `2xx` is not one for the address of a server.
 */
export function seenNames({ asked, labels }: Field, base: string): readonly string[] {
  const named = asked !== undefined && asked !== '';
  return named || labels === undefined ? [base] : [base, formatLabels(labels)];
}

const PLACE = /\$\{__(field|series)\.(name|labels(?:\.[^}]+|\["[^"]+"\])?)\}/gu;

/** `template` with what it says of the field put in: `${__field.labels.host}`. */
export function fillName(template: string, field: Field, base: string): string {
  if (!template.includes('${__')) return template;
  return template.replace(PLACE, (_, of: string, what: string) => {
    if (what === 'name') return of === 'field' ? field.name : base;
    const label = /^labels(?:\.(.+)|\["(.+)"\])$/u.exec(what);
    if (label) return field.labels?.[label[1] ?? label[2] ?? ''] ?? '';
    return Object.entries(field.labels ?? {})
      .map(([name, value]) => `${name}=${value}`)
      .join(', ');
  });
}
