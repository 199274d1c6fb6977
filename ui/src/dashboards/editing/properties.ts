// What can be said of a field, by Grafana's own names: in a panel's defaults they are paths, in its overrides the ids of
// properties. One table for both. Pure.

import type { JsonObject } from '../../panels/json';

export type Choices = readonly (readonly [id: string, name: string])[];

/** How a property is edited. */
export type Control =
  | { kind: 'text'; placeholder?: string }
  | { kind: 'number' }
  | { kind: 'check' }
  | { kind: 'unit' }
  | { kind: 'color' }
  | { kind: 'thresholds' }
  | { kind: 'mappings' }
  | { kind: 'links' }
  | { kind: 'hidden' }
  /** `within` names what is chosen in a property that is an object, `beside` what else that has from the first. */
  | { kind: 'choice'; choices: Choices; within?: string; beside?: JsonObject };

export interface Property {
  id: string;
  name: string;
  group: string;
  /** The kinds of panels that it says something to; all where it is left out. */
  kinds?: readonly string[];
  control: Control;
}

const LINES = ['timeseries', 'trend'];
const BARS = ['barchart', 'histogram'];
const AXES = [...LINES, ...BARS];
const LANES = ['state-timeline', 'status-history'];

function choice(choices: Choices, within?: string, beside?: JsonObject): Control {
  return {
    kind: 'choice',
    choices,
    ...(within === undefined ? {} : { within }),
    ...(beside ? { beside } : {}),
  };
}

const GROUPS: Readonly<Record<string, readonly Omit<Property, 'group'>[]>> = {
  Values: [
    { id: 'unit', name: 'Unit', control: { kind: 'unit' } },
    { id: 'decimals', name: 'Decimals', control: { kind: 'number' } },
    { id: 'min', name: 'Least', control: { kind: 'number' } },
    { id: 'max', name: 'Most', control: { kind: 'number' } },
    {
      id: 'displayName',
      name: 'Display name',
      control: { kind: 'text', placeholder: '${__field.labels.host}' },
    },
    { id: 'noValue', name: 'In place of no value', control: { kind: 'text', placeholder: '–' } },
  ],
  Colour: [{ id: 'color', name: 'Colour', control: { kind: 'color' } }],
  Lines: [
    {
      id: 'custom.drawStyle',
      name: 'Drawn as',
      kinds: LINES,
      control: choice([
        ['line', 'lines'],
        ['bars', 'bars'],
        ['points', 'points'],
      ]),
    },
    {
      id: 'custom.lineInterpolation',
      name: 'Between points',
      kinds: LINES,
      control: choice([
        ['linear', 'straight'],
        ['smooth', 'smooth'],
        ['stepAfter', 'steps, after'],
        ['stepBefore', 'steps, before'],
      ]),
    },
    { id: 'custom.lineWidth', name: 'Line width', kinds: [...AXES, ...LANES], control: { kind: 'number' } },
    { id: 'custom.fillOpacity', name: 'Fill (%)', kinds: [...AXES, ...LANES], control: { kind: 'number' } },
    {
      id: 'custom.gradientMode',
      name: 'Gradient',
      kinds: LINES,
      control: choice([
        ['none', 'none'],
        ['opacity', 'fades'],
        ['hue', 'by hue'],
        ['scheme', 'by the scheme'],
      ]),
    },
    {
      id: 'custom.lineStyle',
      name: 'Line',
      kinds: LINES,
      control: choice(
        [
          ['solid', 'solid'],
          ['dash', 'dashes'],
          ['dot', 'dots'],
        ],
        'fill',
      ),
    },
    {
      id: 'custom.showPoints',
      name: 'Points',
      kinds: LINES,
      control: choice([
        ['auto', 'where there is room'],
        ['always', 'always'],
        ['never', 'never'],
      ]),
    },
    { id: 'custom.pointSize', name: 'Size of points', kinds: LINES, control: { kind: 'number' } },
    {
      id: 'custom.stacking',
      name: 'Stacked',
      kinds: LINES,
      control: choice(
        [
          ['none', 'off'],
          ['normal', 'normal'],
          ['percent', 'to 100 %'],
        ],
        'mode',
        { group: 'A' },
      ),
    },
    {
      id: 'custom.transform',
      name: 'Turned over',
      kinds: LINES,
      control: choice([
        ['', 'no'],
        ['negative-Y', 'below the axis'],
      ]),
    },
    {
      id: 'custom.fillBelowTo',
      name: 'Filled down to',
      kinds: LINES,
      control: { kind: 'text', placeholder: 'a series' },
    },
    { id: 'custom.spanNulls', name: 'Bridge gaps', kinds: LINES, control: { kind: 'check' } },
    { id: 'custom.insertNulls', name: 'Gaps after (ms)', kinds: LINES, control: { kind: 'number' } },
  ],
  Axis: [
    {
      id: 'custom.axisPlacement',
      name: 'Place',
      kinds: AXES,
      control: choice([
        ['auto', 'by the unit'],
        ['left', 'left'],
        ['right', 'right'],
        ['hidden', 'hidden'],
      ]),
    },
    { id: 'custom.axisLabel', name: 'Label', kinds: AXES, control: { kind: 'text' } },
    {
      id: 'custom.scaleDistribution',
      name: 'Scale',
      kinds: AXES,
      control: choice(
        [
          ['linear', 'linear'],
          ['log', 'logarithmic'],
        ],
        'type',
        { log: 10 },
      ),
    },
    { id: 'custom.axisSoftMin', name: 'Reaches down to', kinds: LINES, control: { kind: 'number' } },
    { id: 'custom.axisSoftMax', name: 'Reaches up to', kinds: LINES, control: { kind: 'number' } },
    { id: 'custom.axisCenteredZero', name: 'Zero in the middle', kinds: LINES, control: { kind: 'check' } },
  ],
  Cells: [
    {
      id: 'custom.cellOptions',
      name: 'Drawn as',
      kinds: ['table'],
      control: choice(
        [
          ['auto', 'text'],
          ['color-text', 'coloured text'],
          ['color-background', 'coloured background'],
          ['gauge', 'gauge'],
          ['sparkline', 'sparkline'],
          ['data-links', 'its links'],
          ['json-view', 'JSON'],
        ],
        'type',
      ),
    },
    {
      id: 'custom.align',
      name: 'Aligned',
      kinds: ['table'],
      control: choice([
        ['auto', 'by what it holds'],
        ['left', 'left'],
        ['center', 'in the middle'],
        ['right', 'right'],
      ]),
    },
    { id: 'custom.width', name: 'Width (px)', kinds: ['table'], control: { kind: 'number' } },
    { id: 'custom.minWidth', name: 'Width at least (px)', kinds: ['table'], control: { kind: 'number' } },
    { id: 'custom.hidden', name: 'Hidden', kinds: ['table'], control: { kind: 'check' } },
  ],
  Thresholds: [
    { id: 'thresholds', name: 'Thresholds', control: { kind: 'thresholds' } },
    {
      id: 'custom.thresholdsStyle',
      name: 'Drawn',
      kinds: LINES,
      control: choice(
        [
          ['off', 'not at all'],
          ['line', 'as lines'],
          ['dashed', 'as dashed lines'],
          ['area', 'as areas'],
          ['line+area', 'as lines and areas'],
        ],
        'mode',
      ),
    },
  ],
  Anomalies: [
    {
      id: 'custom.expected',
      name: 'What was to be expected',
      kinds: ['timeseries'],
      control: choice([
        ['', 'where it is watched'],
        ['off', 'not at all'],
      ]),
    },
  ],
  'Value mappings': [{ id: 'mappings', name: 'Value mappings', control: { kind: 'mappings' } }],
  'Data links': [{ id: 'links', name: 'Data links', control: { kind: 'links' } }],
  Hidden: [
    {
      id: 'custom.hideFrom',
      name: 'Hidden in',
      kinds: [...AXES, ...LANES, 'piechart'],
      control: { kind: 'hidden' },
    },
  ],
};

/** All that can be said of a field. */
export const PROPERTIES: readonly Property[] = Object.entries(GROUPS).flatMap(([group, properties]) =>
  properties.map((property) => ({ ...property, group })),
);

/** What says something to a panel of `kind`, by its group. */
export function propertiesOf(
  kind: string,
): readonly (readonly [group: string, properties: readonly Property[]])[] {
  const meant = PROPERTIES.filter(({ kinds }) => kinds === undefined || kinds.includes(kind));
  return Object.keys(GROUPS)
    .map((group) => [group, meant.filter((one) => one.group === group)] as const)
    .filter(([, properties]) => properties.length > 0);
}
