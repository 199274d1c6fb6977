import { lazy, Suspense, useMemo, type ComponentType, type ReactElement } from 'react';
import type { Annotation } from '../chart/marks';
import { Skeleton } from '../design/Skeleton';
import { Value } from '../design/Value';
import { visibleText } from '../design/value';
import type { Span } from '../time/range';
import { NoValueText, type KindProps } from './context';
import { orNothing } from './figures';
import type { Frame } from './frame';
import { textAt, type JsonObject } from './json';
import { BarGauge } from './kinds/BarGauge';
import { Gauge } from './kinds/Gauge';
import { Stat } from './kinds/Stat';
import { TimeSeries } from './kinds/TimeSeries';
import { configure } from './overrides';
import type { Looks } from './shown';
import { transform } from './transform/transform';
import styles from './panels.module.css';

type Kind = ComponentType<KindProps>;

/** The part of a file that is not its default. */
function part<Module>(load: () => Promise<Module>, pick: (module: Module) => Kind): Kind {
  return lazy(async () => ({ default: pick(await load()) }));
}

const Table: Kind = lazy(() => import('./kinds/Table'));
const Text: Kind = lazy(() => import('./kinds/Text'));

/** What draws each kind of panel; those that few dashboards have come when they are needed. */
const KINDS: Readonly<Record<string, Kind>> = {
  timeseries: TimeSeries,
  graph: TimeSeries,
  trend: TimeSeries,
  stat: Stat,
  gauge: Gauge,
  bargauge: BarGauge,
  barchart: lazy(() => import('./kinds/BarChart')),
  histogram: part(
    () => import('./kinds/BarChart'),
    ({ Histogram }) => Histogram,
  ),
  piechart: lazy(() => import('./kinds/Pie')),
  heatmap: lazy(() => import('./kinds/Heat')),
  'state-timeline': lazy(() => import('./kinds/States')),
  'status-history': part(
    () => import('./kinds/States'),
    ({ StatusHistory }) => StatusHistory,
  ),
  table: Table,
  geomap: Table,
  logs: lazy(() => import('./kinds/Logs')),
  traces: lazy(() => import('./kinds/Traces')),
  nodeGraph: lazy(() => import('./kinds/NodeGraph')),
  text: Text,
  alertlist: lazy(() => import('./kinds/Lists')),
  dashlist: part(
    () => import('./kinds/Lists'),
    ({ DashboardList }) => DashboardList,
  ),
};

/** The kinds that are drawn, with their names. */
export const KIND_NAMES: readonly (readonly [id: string, name: string])[] = [
  ['timeseries', 'Time series'],
  ['stat', 'Stat'],
  ['gauge', 'Gauge'],
  ['bargauge', 'Bar gauge'],
  ['barchart', 'Bar chart'],
  ['piechart', 'Pie chart'],
  ['heatmap', 'Heat map'],
  ['histogram', 'Histogram'],
  ['table', 'Table'],
  ['state-timeline', 'State timeline'],
  ['status-history', 'Status history'],
  ['logs', 'Logs'],
  ['traces', 'Traces'],
  ['nodeGraph', 'Node graph'],
  ['text', 'Text'],
  ['alertlist', 'Alert list'],
  ['dashlist', 'Dashboard list'],
];

const WITHOUT_DATA: readonly string[] = ['text', 'alertlist', 'dashlist'];

/** Whether a panel of this kind shows what queries answer. */
export function hasData(type: string): boolean {
  return !WITHOUT_DATA.includes(type);
}

export function isKnown(type: string): boolean {
  return Object.hasOwn(KINDS, type);
}

export interface PanelBodyProps {
  type: string;
  title: string;
  options: JsonObject;
  fieldConfig: unknown;
  transformations: unknown;
  frames: readonly Frame[];
  range: Span;
  width: number;
  height: number;
  looks: Looks;
  annotations: readonly Annotation[];
  /** What is asked, where all that is shown is the answer to one query over time. */
  expr?: string;
}

const NOTE_PX = 22;

const OF_FIGURES: readonly string[] = ['stat', 'gauge', 'bargauge'];

/** What a panel shows of its data: transformed, configured, drawn by its kind. */
export function PanelBody(props: PanelBodyProps): ReactElement {
  const { type, frames, fieldConfig, transformations, width, looks, ...rest } = props;
  const { frames: transformed, unknown } = useMemo(
    () => transform(frames, transformations),
    [frames, transformations],
  );
  const shown = useMemo(() => {
    const made = configure(transformed, fieldConfig);
    return OF_FIGURES.includes(type) ? orNothing(made, fieldConfig, looks) : made;
  }, [transformed, fieldConfig, type, looks]);
  // What is of a kind that nothing here draws is still to be read.
  const Drawn =
    (Object.hasOwn(KINDS, type) ? KINDS[type] : undefined) ?? (frames.length > 0 ? Table : undefined);
  if (!Drawn)
    return (
      <div className={styles.none} style={{ height: props.height }} role="status">
        <span>
          Panels of the type <Value text={type} mono /> are not drawn here. Its settings are kept as they are.
        </span>
      </div>
    );
  const notes = [
    ...(type === 'geomap' ? ['Maps are shown as a table.'] : []),
    ...(isKnown(type) ? [] : [`Shown as a table: there is no panel of the type ${visibleText(type)} here.`]),
    ...(unknown.length > 0 ? [`Not applied: ${unknown.join(', ')}.`] : []),
  ];
  const height = props.height - notes.length * NOTE_PX;
  return (
    <>
      {notes.map((note) => (
        <p key={note} className={styles.note}>
          {note}
        </p>
      ))}
      <Suspense fallback={<Skeleton kind="chart" label={props.title || 'Panel'} height={height} />}>
        <NoValueText value={textAt(fieldConfig, 'defaults.noValue') || undefined}>
          <Drawn {...rest} frames={shown} looks={looks} width={width} height={height} />
        </NoValueText>
      </Suspense>
    </>
  );
}
