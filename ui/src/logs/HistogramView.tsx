import { useMemo, type ReactElement } from 'react';
import type { LogHistogram } from '../api/logs';
import { Chart } from '../chart/Chart';
import { seriesColor } from '../design/colors';
import { formatCount } from '../design/format';
import { useScheme } from '../design/hooks';
import { Value } from '../design/Value';
import { LEVELS, levelColor } from './levels';
import { msOf } from './query';
import { BY_LEVEL } from './state';
import styles from './logs.module.css';

const HEIGHT = 96;
const OTHERS = 'others';

interface Drawn {
  names: string[];
  columns: number[][];
  colors: string[];
  totals: number[];
}

/** How many lines there are over time, stacked by the values of a field. */
export function HistogramView(props: {
  data: LogHistogram;
  by: string;
  onZoom: (fromMs: number, toMs: number) => void;
  onZoomOut: () => void;
  onValue: (value: string) => void;
  onByLevel: () => void;
}): ReactElement {
  const { data, by, onZoom, onZoomOut, onValue, onByLevel } = props;
  const scheme = useScheme();
  const drawn = useMemo((): Drawn => {
    const found: Drawn = { names: [], columns: [], colors: [], totals: [] };
    const add = (name: string, counts: readonly number[], color: string): void => {
      const total = counts.reduce((sum, count) => sum + count, 0);
      if (total === 0) return;
      found.names.push(name);
      found.columns.push([...counts]);
      found.colors.push(color);
      found.totals.push(total);
    };
    const series = [...data.series];
    if (by === BY_LEVEL) {
      const order: readonly string[] = LEVELS;
      series.sort((a, b) => order.indexOf(a.value) - order.indexOf(b.value));
    }
    series.forEach(({ value, counts }, i) =>
      add(value || 'no level', counts, by === BY_LEVEL ? levelColor(value, scheme) : seriesColor(i, scheme)),
    );
    add(OTHERS, data.others, levelColor('', scheme));
    return found;
  }, [data, by, scheme]);
  const { times, range } = useMemo(() => {
    const start = msOf(data.start_ns) / 1000;
    const step = msOf(data.step_ns) / 1000;
    return {
      times: Array.from({ length: data.steps }, (_, i) => start + (i + 0.5) * step),
      range: [start, start + data.steps * step] as const,
    };
  }, [data]);
  return (
    <section className="panel" aria-label="Lines over time">
      <Chart
        title={`Lines over time by ${by}`}
        times={times}
        columns={drawn.columns}
        names={drawn.names}
        colors={drawn.colors}
        unit="count"
        height={HEIGHT}
        range={range}
        atLeast={0}
        stacked
        bars
        compact
        onZoom={onZoom}
        onZoomOut={onZoomOut}
      />
      <div className={styles.legend}>
        {by === BY_LEVEL ? null : (
          <button type="button" className="button" onClick={onByLevel}>
            By level again
          </button>
        )}
        {drawn.names.map((name, i) => (
          <button
            key={name}
            type="button"
            className="plain"
            disabled={name === OTHERS || name === 'no level'}
            title={`Only ${by} ${name}`}
            onClick={() => onValue(name)}
          >
            <i style={{ background: drawn.colors[i] }} />
            <Value text={name} /> <span className="dim">{formatCount(drawn.totals[i] ?? 0)}</span>
          </button>
        ))}
      </div>
    </section>
  );
}
