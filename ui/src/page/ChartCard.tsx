import { useMemo, useState, type ReactElement, type ReactNode } from 'react';
import { Chart, type ChartProps } from '../chart/Chart';
import type { Marks } from '../chart/marks';
import { seriesColor } from '../design/colors';
import { formatValue } from '../design/format';
import { useScheme } from '../design/hooks';
import type { ChartData, ChartSpec, ChartsData } from './charts';
import styles from './chartcard.module.css';

const HEIGHT = 170;
/** Points that a newest value may lie back: the last ones may not be there yet. */
const RECENT = 4;

export interface ChartCardProps extends Pick<ChartProps, 'onZoom' | 'onPick' | 'onStretch'> {
  spec: Omit<ChartSpec, 'queries'>;
  /** Undefined until it has come. */
  data: ChartData | undefined;
  times: ChartsData['times'];
  range: ChartsData['range'];
  /** Instead of the palette's. */
  colors?: readonly string[];
  marks?: Marks;
  syncKey?: string;
  /** Beside the title. */
  actions?: ReactNode;
  /** What stands there when there are no series. */
  empty?: ReactNode;
}

/** A small chart with its title and its newest values; all cards of a page with one `syncKey` share the crosshair. */
export function ChartCard(props: ChartCardProps): ReactElement {
  const { spec, data, times, range, marks, syncKey, actions, onZoom, onPick, onStretch } = props;
  const scheme = useScheme();
  const [at, setAt] = useState<number | null>(null);
  const names = data?.names;
  const own = props.colors?.join();
  const colors = useMemo(
    () => (names ?? []).map((_, i) => own?.split(',')[i] ?? seriesColor(i, scheme)),
    [names, own, scheme],
  );
  const filled = data !== undefined && data.names.length > 0;
  return (
    <article className="panel card">
      <header className="row">
        <h3 className="grow ellipsis">{spec.title}</h3>
        {actions}
      </header>
      <div className={styles.body} style={{ height: HEIGHT }}>
        {filled ? (
          <Chart
            title={spec.title}
            times={times}
            columns={data.columns}
            names={data.names}
            colors={colors}
            unit={spec.unit}
            height={HEIGHT}
            range={range}
            stacked={spec.stacked ?? false}
            filled={data.names.length === 1}
            compact
            {...(spec.atLeast === undefined ? {} : { atLeast: spec.atLeast })}
            {...(marks === undefined ? {} : { marks })}
            {...(syncKey === undefined ? {} : { syncKey })}
            {...(onZoom === undefined ? {} : { onZoom })}
            {...(onPick === undefined ? {} : { onPick })}
            {...(onStretch === undefined ? {} : { onStretch })}
            onCursor={setAt}
          />
        ) : (
          <div className={data ? 'empty' : 'skeleton'}>
            <span>{data?.error ?? (data ? (props.empty ?? 'No data in this time') : '')}</span>
          </div>
        )}
      </div>
      <ul className={styles.legend}>
        {(data?.names ?? []).map((name, i) => {
          const column = data?.columns[i] ?? [];
          const value = at === null ? column.slice(-RECENT).findLast((one) => one !== null) : column[at];
          return (
            <li key={`${name} ${i}`}>
              <i style={{ background: colors[i] }} />
              <span className="ellipsis">{name}</span>
              <b>{value == null ? '–' : formatValue(value, spec.unit)}</b>
            </li>
          );
        })}
      </ul>
    </article>
  );
}
