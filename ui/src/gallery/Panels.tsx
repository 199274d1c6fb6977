import { useElementSize } from '@mantine/hooks';
import { useMemo, type ReactElement } from 'react';
import { seriesColor } from '../design/colors';
import { usePageClock, useScheme } from '../design/hooks';
import { readFrames, type AnswerFrame, type Figure } from '../panels/answer';
import type { JsonObject } from '../panels/json';
import { PanelBody } from '../panels/PanelBody';
import { HOSTILE, HOSTILE_VALUES } from './hostile';
import { Section } from './Section';
import styles from './gallery.module.css';

const START = Date.parse('2026-11-29T08:00:00Z');
const STEP = 60_000;
const COUNT = 121;
const RANGE = { fromMs: START, toMs: START + (COUNT - 1) * STEP };
const TIMES = { start: START, step: STEP, count: COUNT };
const NOW = RANGE.toMs;

/** Between 0 and 1, the same at every visit. */
function noise(seed: number): number {
  return Math.abs((Math.sin(seed * 12.9898) * 43_758.5453) % 1);
}

function values(of: (i: number) => Figure): Figure[] {
  return Array.from({ length: COUNT }, (_, i) => of(i));
}

const NAMES = HOSTILE_VALUES.filter((name) => name !== '').slice(0, 6);

/** Load by host, with a gap, and one that does not exist in the beginning. */
const LOAD: AnswerFrame = {
  shape: 'series',
  ref: 'A',
  times: TIMES,
  series: NAMES.map((host, n) => ({
    name: host,
    labels: { __name__: 'load', host },
    values: values((i) =>
      (n === 1 && i > 50 && i < 60) || (n === 2 && i < 30)
        ? null
        : n === 3 && i === 70
          ? 'NaN'
          : (n + 1) * 12 + 8 * Math.sin(i / 9 + n) + 4 * noise(i + n * 131),
    ),
  })),
};

const STATES: AnswerFrame = {
  shape: 'series',
  ref: 'A',
  times: TIMES,
  series: NAMES.slice(0, 4).map((host, n) => ({
    name: host,
    labels: { host },
    values: values((i) =>
      n === 3 && i > 40 && i < 55 ? null : i > 80 && i < 92 + n * 6 ? 2 : i > 70 && i <= 80 && n < 2 ? 1 : 0,
    ),
  })),
};

const BOUNDS = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '+Inf'];
const HEAT: AnswerFrame = {
  shape: 'series',
  ref: 'A',
  metric_format: 'heatmap',
  times: TIMES,
  series: BOUNDS.map((name, lane) => ({
    name,
    labels: { le: name },
    values: values((i) => {
      const center = 4 + 2 * Math.sin(i / 15) + (i > 80 && i < 92 ? 2 : 0);
      return Math.round(400 * Math.exp(-((lane - center) ** 2) / 1.6) * (0.7 + 0.6 * noise(i * 7 + lane)));
    }),
  })),
};

const TABLE: AnswerFrame = {
  shape: 'table',
  ref: 'A',
  columns: [
    { name: 'service', type: 'string', values: NAMES },
    { name: 'state', type: 'number', values: [0, 1, 2, 0, 1, 2] },
    { name: 'load', type: 'number', values: [12, 35, 81, 55, null, 97] },
    { name: 'memory', type: 'number', values: [1e9, 2.4e9, 5e6, 8e10, 0, 3e8] },
    { name: 'seen', type: 'time', values: NAMES.map((_, i) => NOW - i * 3_600_000) },
  ],
};

const LOGS: AnswerFrame = {
  shape: 'logs',
  ref: 'A',
  times_ns: NAMES.map((_, i) => `${NOW - i * 1000}000000`),
  lines: NAMES.map((name) => `order of ${name} failed`),
  labels: NAMES.map((service, i) => ({
    service,
    level: ['error', 'warn', 'info', 'debug', 'critical', ''][i] ?? '',
  })),
};

const TRACES: AnswerFrame = {
  shape: 'traces',
  ref: 'A',
  columns: [
    { name: 'traceID', type: 'string', values: NAMES.map((_, i) => `0123456789abcdef0123456789abcde${i}`) },
    { name: 'startTime', type: 'time', values: NAMES.map((_, i) => NOW - i * 60_000) },
    { name: 'traceService', type: 'string', values: NAMES },
    { name: 'traceName', type: 'string', values: NAMES.map(() => 'GET /cart') },
    { name: 'traceDuration', type: 'number', values: [12, 340, 1_200, 8, 55, 90] },
  ],
};

const GRAPH: AnswerFrame = {
  shape: 'graph',
  ref: 'A',
  nodes: NAMES.map((title, i) => ({ id: String(i), title, mainstat: `${i * 12} req/s` })),
  edges: NAMES.slice(1).map((_, i) => ({
    id: `e${i}`,
    source: String(i >> 1),
    target: String(i + 1),
    mainstat: '2 req/s',
  })),
};

const STEPS = {
  mode: 'absolute',
  steps: [
    { value: null, color: 'green' },
    { value: 50, color: 'orange' },
    { value: 80, color: 'red' },
  ],
};
const UP_DOWN = [
  {
    type: 'value',
    options: {
      '0': { text: 'up', color: 'green' },
      '1': { text: 'slow', color: 'orange' },
      '2': { text: 'down', color: 'red' },
    },
  },
];
const FILLED = { lineWidth: 1, fillOpacity: 14, gradientMode: 'opacity', showPoints: 'never' };

interface Sample {
  title: string;
  type: string;
  frames: readonly AnswerFrame[];
  options?: JsonObject;
  fieldConfig?: JsonObject;
  transformations?: readonly JsonObject[];
  wide?: true;
}

const TABLE_CELLS: JsonObject = {
  defaults: {
    thresholds: STEPS,
    links: [
      { title: 'Runbook of ${__data.fields.service}', url: 'https://example.com/${__data.fields.service}' },
    ],
  },
  overrides: [
    {
      matcher: { id: 'byName', options: 'state' },
      properties: [
        { id: 'mappings', value: UP_DOWN },
        { id: 'custom.cellOptions', value: { type: 'color-background' } },
      ],
    },
    {
      matcher: { id: 'byName', options: 'load' },
      properties: [
        { id: 'custom.cellOptions', value: { type: 'gauge', mode: 'gradient' } },
        { id: 'max', value: 100 },
        { id: 'min', value: 0 },
      ],
    },
    { matcher: { id: 'byName', options: 'memory' }, properties: [{ id: 'unit', value: 'bytes' }] },
    { matcher: { id: 'byName', options: 'seen' }, properties: [{ id: 'unit', value: 'dateTimeFromNow' }] },
  ],
};

const MARKDOWN = `# Checkout

**Owned by** ${HOSTILE.arabic}, see [the runbook](https://example.com/) or [a trap](javascript:alert(1)).

| state | since |
|---|---|
| \`ok\` | today |

<img src=x onerror="window.__xss=1"> <script>window.__xss=1</script> <b onclick="window.__xss=1">bold</b> ${HOSTILE.override}`;

const SAMPLES: readonly Sample[] = [
  {
    title: 'Time series',
    type: 'timeseries',
    frames: [LOAD],
    wide: true,
    options: {
      legend: { displayMode: 'table', placement: 'right', calcs: ['mean', 'max'] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
    fieldConfig: {
      defaults: {
        unit: 'percent',
        thresholds: STEPS,
        custom: { ...FILLED, thresholdsStyle: { mode: 'dashed+area' } },
      },
    },
  },
  {
    title: 'Two axes, points, steps, dashes',
    type: 'timeseries',
    frames: [LOAD],
    options: { legend: { displayMode: 'list', placement: 'bottom', calcs: ['lastNotNull'] } },
    fieldConfig: {
      defaults: { unit: 'short', custom: { lineWidth: 2, lineInterpolation: 'smooth' } },
      overrides: [
        {
          matcher: { id: 'byName', options: NAMES[1] ?? '' },
          properties: [
            { id: 'unit', value: 'bytes' },
            { id: 'custom.axisPlacement', value: 'right' },
            { id: 'custom.drawStyle', value: 'points' },
            { id: 'custom.axisLabel', value: 'memory' },
          ],
        },
        {
          matcher: { id: 'byName', options: NAMES[2] ?? '' },
          properties: [
            { id: 'custom.lineInterpolation', value: 'stepAfter' },
            { id: 'custom.transform', value: 'negative-Y' },
          ],
        },
        {
          matcher: { id: 'byName', options: NAMES[3] ?? '' },
          properties: [
            { id: 'custom.lineStyle', value: { fill: 'dash', dash: [10, 6] } },
            { id: 'color', value: { mode: 'fixed', fixedColor: 'purple' } },
          ],
        },
      ],
    },
  },
  {
    title: 'Stacked bars',
    type: 'timeseries',
    frames: [LOAD],
    options: { legend: { showLegend: false } },
    fieldConfig: {
      defaults: {
        unit: 'reqps',
        custom: {
          drawStyle: 'bars',
          fillOpacity: 80,
          lineWidth: 0,
          stacking: { mode: 'normal', group: 'A' },
        },
      },
    },
  },
  {
    title: 'Stacked to a whole',
    type: 'timeseries',
    frames: [LOAD],
    options: { legend: { placement: 'bottom' } },
    fieldConfig: {
      defaults: { unit: 'bytes', custom: { fillOpacity: 40, stacking: { mode: 'percent', group: 'A' } } },
    },
  },
  {
    title: 'Stat',
    type: 'stat',
    frames: [LOAD],
    options: { reduceOptions: { calcs: ['lastNotNull'] }, graphMode: 'area' },
    fieldConfig: { defaults: { unit: 'percent', thresholds: STEPS } },
  },
  {
    title: 'Stat, on its colour',
    type: 'stat',
    frames: [STATES],
    options: {
      reduceOptions: { calcs: ['lastNotNull'] },
      graphMode: 'none',
      colorMode: 'background',
      showPercentChange: true,
    },
    fieldConfig: { defaults: { mappings: UP_DOWN } },
  },
  {
    title: 'Gauge',
    type: 'gauge',
    frames: [LOAD],
    options: { showThresholdLabels: true },
    fieldConfig: { defaults: { unit: 'percent', thresholds: STEPS } },
  },
  {
    title: 'Bar gauge',
    type: 'bargauge',
    frames: [LOAD],
    options: { orientation: 'horizontal', displayMode: 'gradient' },
    fieldConfig: { defaults: { unit: 'percent', thresholds: STEPS } },
  },
  {
    title: 'Bar gauge, cells',
    type: 'bargauge',
    frames: [LOAD],
    options: { orientation: 'vertical', displayMode: 'lcd' },
    fieldConfig: { defaults: { unit: 'percent', thresholds: STEPS } },
  },
  {
    title: 'Bar chart',
    type: 'barchart',
    frames: [TABLE],
    transformations: [
      { id: 'filterFieldsByName', options: { include: { names: ['service', 'load', 'state'] } } },
    ],
    fieldConfig: { defaults: { unit: 'percent' } },
  },
  {
    title: 'Pie',
    type: 'piechart',
    frames: [LOAD],
    options: {
      pieType: 'donut',
      displayLabels: ['percent'],
      legend: { displayMode: 'table', placement: 'right', values: ['value', 'percent'] },
    },
    fieldConfig: { defaults: { unit: 'short' } },
  },
  {
    title: 'Histogram',
    type: 'histogram',
    frames: [LOAD],
    options: { combine: true, legend: { showLegend: false } },
  },
  { title: 'Heat map', type: 'heatmap', frames: [HEAT], options: { yAxis: { unit: 's' } } },
  {
    title: 'State timeline',
    type: 'state-timeline',
    frames: [STATES],
    fieldConfig: { defaults: { mappings: UP_DOWN } },
  },
  {
    title: 'Status history',
    type: 'status-history',
    frames: [STATES],
    fieldConfig: { defaults: { mappings: UP_DOWN } },
    options: { legend: { showLegend: false } },
  },
  {
    title: 'Table',
    type: 'table',
    frames: [TABLE],
    fieldConfig: TABLE_CELLS,
    options: { footer: { show: true, reducer: ['sum'], fields: ['memory'] } },
    wide: true,
  },
  {
    title: 'Trends in a table',
    type: 'table',
    frames: [LOAD],
    transformations: [{ id: 'timeSeriesTable', options: {} }],
    fieldConfig: { defaults: { unit: 'percent', thresholds: STEPS } },
  },
  {
    title: 'Groups in a table',
    type: 'table',
    frames: [TABLE],
    transformations: [
      {
        id: 'groupToNestedTable',
        options: {
          fields: {
            state: { operation: 'groupby', aggregations: [] },
            load: { operation: 'aggregate', aggregations: ['mean'] },
          },
        },
      },
    ],
    fieldConfig: { defaults: { unit: 'percent' } },
  },
  {
    title: 'Heat map of series',
    type: 'heatmap',
    frames: [LOAD],
    transformations: [{ id: 'heatmap', options: { yBuckets: { mode: 'count', value: '8' } } }],
    fieldConfig: { defaults: { unit: 'percent' } },
  },
  {
    title: 'Histogram of a transformation',
    type: 'histogram',
    frames: [LOAD],
    transformations: [{ id: 'histogram', options: { combine: true } }],
    options: { legend: { showLegend: false } },
    fieldConfig: { defaults: { unit: 'percent' } },
  },
  { title: 'Logs', type: 'logs', frames: [LOGS], options: { showTime: true, showLabels: true } },
  { title: 'Traces', type: 'traces', frames: [TRACES] },
  { title: 'Node graph', type: 'nodeGraph', frames: [GRAPH] },
  { title: 'Text', type: 'text', frames: [], options: { mode: 'markdown', content: MARKDOWN } },
  { title: 'Geomap', type: 'geomap', frames: [TABLE] },
  { title: 'Not known', type: HOSTILE.markup, frames: [] },
  { title: 'Without data', type: 'timeseries', frames: [] },
];

const HEIGHT = 250;

function One({ sample }: { sample: Sample }): ReactElement {
  const { ref, width } = useElementSize();
  const scheme = useScheme();
  const { utc } = usePageClock();
  const looks = useMemo(() => ({ scheme, clock: { nowMs: NOW, utc } }), [scheme, utc]);
  const frames = useMemo(() => readFrames(sample.frames), [sample.frames]);
  const annotations = useMemo(
    () =>
      sample.type === 'timeseries'
        ? [
            {
              fromMs: START + 45 * STEP,
              text: `deploy of ${HOSTILE.override}`,
              color: seriesColor(0, scheme),
            },
          ]
        : [],
    [sample.type, scheme],
  );
  return (
    <div ref={ref} style={{ height: HEIGHT }}>
      {width > 0 ? (
        <PanelBody
          type={sample.type}
          title={sample.title}
          options={sample.options ?? {}}
          fieldConfig={sample.fieldConfig ?? {}}
          transformations={sample.transformations ?? []}
          frames={frames}
          range={RANGE}
          width={width}
          height={HEIGHT}
          looks={looks}
          annotations={annotations}
        />
      ) : null}
    </div>
  );
}

/** Every kind of panel that dashboards have. */
export function Panels(): ReactElement {
  return (
    <>
      {SAMPLES.filter(({ wide }) => wide).map((sample) => (
        <Section key={sample.title} title={`Panel: ${sample.title}`}>
          <One sample={sample} />
        </Section>
      ))}
      <div className={styles.pair}>
        {SAMPLES.filter(({ wide }) => !wide).map((sample) => (
          <Section key={sample.title} title={`Panel: ${sample.title}`}>
            <One sample={sample} />
          </Section>
        ))}
      </div>
    </>
  );
}
