import clsx from 'clsx';
import { PageLink } from '../address/PageLink';
import { writeContext } from '../address/context';
import type { TimeRange } from '../time/range';
import { useMemo, useState, type ReactElement } from 'react';
import { Chart } from '../chart/Chart';
import { Glyph } from '../design/Glyph';
import { PALETTES, type Scheme } from '../design/colors';
import { formatValue } from '../design/format';
import { useScheme } from '../design/hooks';
import type { HomeSnapshot, PanelColumns } from './load';
import { drawn, fillIn, type Panel } from './panels';
import styles from './home.module.css';

const HEIGHT = 158;
const IN_EXPLORE = { how: 'rate', windowS: 60 } as const;
/** Points that a newest value may lie back, as where Home judges. */
const RECENT = 4;

/** Names that mean the same everywhere keep their colour everywhere. */
const FIXED: Readonly<Record<string, number>> = {
  user: 0,
  system: 1,
  iowait: 3,
  steal: 7,
  nice: 6,
  softirq: 4,
  irq: 5,
  used: 0,
  cache: 2,
  free: 8,
  CPUs: 8,
};

function colorsOf(names: readonly string[], scheme: Scheme): string[] {
  const palette = PALETTES[scheme];
  return names.map((name, i) => palette[FIXED[name] ?? i % palette.length] ?? '#888888');
}

/** Room for two lines where the number of series can change, so that nothing jumps when it does. */
function legendClass(panel: Panel): string {
  return clsx(styles.legendLine, panel.queries.some((query) => query.name === undefined) && styles.two);
}

function Values(props: {
  panel: Panel;
  data: PanelColumns;
  colors: readonly string[];
  at: number | null;
}): ReactElement {
  const { panel, data, colors, at } = props;
  return (
    <ul className={legendClass(panel)}>
      {data.names.map((name, i) => {
        const column = data.columns[i] ?? [];
        const value = at === null ? column.slice(-RECENT).findLast((one) => one !== null) : column[at];
        return (
          <li key={name}>
            <i style={{ background: colors[i] }} />
            <span className="ellipsis">{name}</span>
            <b>{value == null ? '–' : formatValue(value, panel.unit)}</b>
          </li>
        );
      })}
    </ul>
  );
}

export function PanelCard(props: {
  panel: Panel;
  snapshot: HomeSnapshot | undefined;
  /** What the page shows. */
  range: TimeRange;
  /** To show these queries, `q0` and so on, between two instants. */
  onZoom: (queries: Readonly<Record<string, string>>, fromMs: number, toMs: number) => void;
}): ReactElement {
  const { snapshot, onZoom } = props;
  const matchers = snapshot?.matchers ?? null;
  const panel = drawn(props.panel, snapshot !== undefined && matchers === null);
  const scheme = useScheme();
  const [at, setAt] = useState<number | null>(null);
  const data = snapshot?.panels[panel.id];
  const names = data?.names;
  const colors = useMemo(() => colorsOf(names ?? [], scheme), [names, scheme]);
  const queries = Object.fromEntries(
    panel.queries.map((query, i) => [`q${i}`, fillIn(query.expr, matchers, IN_EXPLORE)]),
  );
  const filled = data !== undefined && data.names.length > 0;
  return (
    <article className="panel card">
      <header className="row">
        <h3 className="grow ellipsis">{panel.title}</h3>
        <PageLink
          className={styles.cardOpen}
          page="explore"
          search={{ ...queries, ...writeContext({ range: props.range }) }}
          aria-label={`Open ${panel.title} in Explore`}
          title="Open in Explore"
        >
          <Glyph name="external" size={14} />
        </PageLink>
      </header>
      <div className={styles.cardBody} style={{ height: HEIGHT }}>
        {filled ? (
          <Chart
            title={panel.title}
            times={snapshot?.times ?? []}
            columns={data.columns}
            names={data.names}
            colors={colors}
            unit={panel.unit}
            height={HEIGHT}
            range={snapshot?.range ?? [0, 1]}
            stacked={panel.stacked ?? false}
            filled={data.names.length === 1}
            compact
            {...(panel.atLeast === undefined ? {} : { atLeast: panel.atLeast })}
            {...(data.names.includes('free') ? { faint: data.names.indexOf('free') } : {})}
            syncKey="home"
            onCursor={setAt}
            onZoom={(from, to) => onZoom(queries, from, to)}
          />
        ) : (
          <div className={data ? 'empty' : 'skeleton'} title={data?.error ?? undefined}>
            <span className={styles.cardSaid}>
              {data?.error ?? (data ? 'No data in this range yet' : '')}
            </span>
          </div>
        )}
      </div>
      {filled ? (
        <Values panel={panel} data={data} colors={colors} at={at} />
      ) : (
        <ul className={legendClass(panel)} />
      )}
    </article>
  );
}
