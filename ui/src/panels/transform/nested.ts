// `groupToNestedTable`: rows that agree in some columns become one, under which they can be opened.

import { pick, type Field, type Frame } from '../frame';
import { at, flagAt, object, objects, textAt, texts, type JsonObject } from '../json';
import { namesOf, seenNames } from '../names';
import { readMatcher } from '../overrides';
import { isMeant, named, unnamed, untitled, type NamedField, type NamedFrame, type Step } from './names';
import { calculatedOf, groupsOf, headsOf } from './rows';

interface Rule {
  fits: (field: NamedField, frame: NamedFrame) => boolean;
  operation: string;
  aggregations: readonly string[];
}

function ruleOf(how: JsonObject, fits: Rule['fits']): Rule {
  return { fits, operation: textAt(how, 'operation'), aggregations: texts(how.aggregations) };
}

/** What is done with which fields: by matchers, or by names, as until Grafana 12. */
function rulesOf(options: unknown): Rule[] {
  const rules = at(options, 'rules');
  if (rules === undefined)
    return Object.entries(object(at(options, 'fields'))).map(([name, how]) =>
      ruleOf(object(how), (field) => isMeant(field, name)),
    );
  return objects(rules).map((how) => {
    const meant = readMatcher(how.matcher);
    return ruleOf(how, (field, frame) => {
      const bare = untitled(field);
      const names = namesOf(bare, field.title);
      return meant({ field: bare, frame: unnamed(frame), names, seen: seenNames(bare, field.title) });
    });
  });
}

export const groupToNestedTable: Step = (frames, options) => {
  const rules = rulesOf(options);
  if (!rules.some(({ operation }) => operation === 'groupby')) return frames;
  return named(frames).flatMap((frame): Frame[] => {
    const said = frame.fields.map((field) => ({
      field,
      rule: rules.find(({ fits }) => fits(field, frame)),
    }));
    const keys = said.filter(({ rule }) => rule?.operation === 'groupby').map(({ field }) => field);
    if (keys.length === 0) return [];
    const groups = groupsOf(frame, keys);
    const made: Field[] = [];
    const rest: Field[] = [];
    for (const { field, rule } of said) {
      if (rule?.operation === 'groupby') continue;
      if (rule?.operation === 'aggregate' && rule.aggregations.length > 0)
        made.push(...calculatedOf(field, rule.aggregations, groups));
      else rest.push({ ...untitled(field), asked: field.title });
    }
    return [
      {
        ...(frame.refId === undefined ? {} : { refId: frame.refId }),
        fields: [...headsOf(keys, groups), ...made],
        nested: groups.map((rows) => pick({ fields: rest }, rows)),
        nestedHead: flagAt(options, 'showSubframeHeaders', true),
      },
    ];
  });
};
