import { SegmentedControl } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useMemo, type ReactElement } from 'react';
import { writeContext, type Search } from '../address/context';
import { useAddress, useCarried } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { PATHS } from '../address/places';
import { queryRange } from '../api/calls';
import { useAsked } from '../api/useAsked';
import { Chart } from '../chart/Chart';
import { gridTimes, labelKey, nameSeries, toColumn } from '../chart/columns';
import type { Marks } from '../chart/marks';
import { seriesColor } from '../design/colors';
import { EmptyState } from '../design/EmptyState';
import { formatInstant, formatSeconds, guessUnit } from '../design/format';
import { usePageClock, useScheme } from '../design/hooks';
import { Note } from '../design/parts';
import { Progress } from '../design/Progress';
import { Skeleton } from '../design/Skeleton';
import { Sparkline } from '../design/Sparkline';
import { Expression, LabelSet, Value } from '../design/Value';
import { condition } from '../logs/query';
import { HOLE } from '../logs/templates';
import { Body, Page, PageHead, Toolbar } from '../page/Page';
import { linkOf } from '../related/told';
import { serviceOf } from '../services/services';
import { useMay } from '../session/session';
import { absolute, alignGrid, chooseStep } from '../time/range';
import { askSource, type Part, type Source } from './load';
import { KIND_NAMES, KINDS, ranked, type Finding, type FindingKind } from './rank';
import { baselineMs, readSpike, writeSpike, type Spike } from './spike';
import styles from './explain.module.css';

const POINTS = 240;
const MOST_LINES = 20;

/** The longest piece of a template between what varies: what a search looks for. */
function phraseOf(template: string): string {
  const runs = template.split(HOLE).map((run) => run.trim());
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest), '');
}

/** Where a finding leads to, over the spike and the time before it. */
function targetOf(finding: Finding, spike: Spike): { to: string; own: Search } {
  const { lead } = finding;
  const fromMs = spike.fromMs - baselineMs(spike);
  const wide = writeContext({ range: absolute(fromMs, spike.toMs) });
  const close = writeContext({ range: absolute(spike.fromMs, spike.toMs) });
  switch (lead.page) {
    case 'explore':
      return {
        to: PATHS.explore,
        own: { ...(spike.expr === '' ? { q0: lead.expr } : { q0: spike.expr, q1: lead.expr }), ...wide },
      };
    case 'logs': {
      const phrase = phraseOf(lead.template);
      const service = serviceOf(spike.labels);
      const parts = [
        ...(service === '' ? [] : [condition('service', service, true)]),
        ...(phrase === '' ? [] : [JSON.stringify(phrase)]),
      ];
      return { to: PATHS.logs, own: { q: parts.join(' '), ...close } };
    }
    case 'traces':
      return {
        to: PATHS.traces,
        own: {
          service: lead.service,
          ...(lead.query === '' ? {} : { query: lead.query }),
          ...(lead.errors ? { errors: 'yes' } : {}),
          ...close,
        },
      };
    case 'link': {
      const { to, params } = linkOf(lead.link, {});
      return { to, own: params };
    }
  }
}

function Row({ finding, spike }: { finding: Finding; spike: Spike }): ReactElement {
  const { kind, score, title, text, atMs, values } = finding;
  const { utc } = usePageClock();
  const { to, own } = targetOf(finding, spike);
  const search = useCarried(own);
  const apart = atMs === null ? 0 : (atMs - spike.fromMs) / 1000;
  return (
    <li>
      {/* The router knows its own addresses by heart. */}
      <Link to={to as '/'} search={search} className={styles.finding}>
        <span className={styles.score} title={`may explain it: ${Math.round(score * 100)} of 100`}>
          <i style={{ width: `${Math.round(Math.min(1, score) * 100)}%` }} />
        </span>
        <span className={styles.kind}>{KIND_NAMES[kind]}</span>
        <span className={styles.what}>
          <span className={styles.title}>
            {kind === 'series' ? <Expression text={title} /> : <Value text={title} mono={kind === 'logs'} />}
          </span>
          <span className={styles.text}>
            <Value text={text} />
          </span>
        </span>
        <span>
          {values === undefined ? null : (
            <Sparkline label={KIND_NAMES[kind]} values={values} width={120} height={22} />
          )}
        </span>
        <span className={styles.when} title={atMs === null ? '' : formatInstant(Math.round(atMs), utc)}>
          {atMs === null
            ? ''
            : Math.abs(apart) < 1
              ? 'as it began'
              : `${formatSeconds(Math.abs(apart), 2)} ${apart < 0 ? 'before' : 'after'} it began`}
        </span>
      </Link>
    </li>
  );
}

/** What was drawn, over the spike and the time it is compared with. */
function Drawn({ spike }: { spike: Spike }): ReactElement | null {
  const scheme = useScheme();
  const { setOwn } = useAddress();
  const fromMs = spike.fromMs - baselineMs(spike);
  const length = spike.toMs - fromMs;
  const span = { fromMs, toMs: spike.toMs + length / 12 };
  const grid = alignGrid(span, chooseStep(span.toMs - span.fromMs, POINTS));
  const answer = useAsked({
    key: ['explain-chart', spike.expr, grid],
    ask: async (asking) => (await queryRange(spike.expr, grid, asking)).data,
    enabled: spike.expr !== '',
    staleTime: Infinity,
    retry: false,
  });
  const { data } = answer;
  const drawn = useMemo(() => {
    if (data?.resultType !== 'matrix') return null;
    const key = labelKey(spike.labels);
    const own = data.result.filter(({ metric }) => labelKey(metric) === key);
    const shown = (own.length > 0 ? own : data.result).slice(0, MOST_LINES);
    const times = gridTimes(grid);
    return {
      times,
      columns: shown.map((one) => toColumn(one, grid, times.length)),
      names: nameSeries(shown.map(({ metric }) => metric)).names,
    };
    // The grid is of the spike, which does not change while it is looked at.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [data, spike]);
  const marks = useMemo(
    (): Marks => ({
      annotations: [
        { fromMs: spike.fromMs, toMs: spike.toMs, text: 'what is to be explained', tone: 'warning' },
      ],
    }),
    [spike],
  );
  if (spike.expr === '') return null;
  if (answer.error) return <Note level="bad">What was drawn cannot be read: {answer.error.message}</Note>;
  if (!drawn) return <Skeleton kind="chart" label="What was drawn" height={200} />;
  return (
    <Chart
      title={spike.expr}
      times={drawn.times}
      columns={drawn.columns}
      names={drawn.names}
      colors={drawn.columns.map((_, i) => seriesColor(i, scheme))}
      unit={guessUnit(spike.expr)}
      height={200}
      range={[grid.start, grid.end]}
      filled={drawn.columns.length === 1}
      marks={marks}
      onZoom={(from, to) => setOwn(writeSpike({ ...spike, fromMs: from, toMs: to }))}
    />
  );
}

interface Asked {
  source: Source;
  part: Part | undefined;
  error: Error | null;
  pending: boolean;
}

function useSource(source: Source, spike: Spike, allowed: boolean): Asked {
  const answer = useAsked({
    key: ['explain', source, spike],
    ask: (asking) => askSource(source, spike, asking),
    enabled: allowed,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    retry: false,
  });
  return { source, part: answer.data, error: answer.error, pending: answer.isPending && allowed };
}

const SOURCE_NAMES: Readonly<Record<Source, string>> = {
  series: 'Series',
  related: 'Versions, alerts and changes',
  logs: 'Log patterns',
  traces: 'Traces',
};

function Explained({ spike }: { spike: Spike }): ReactElement {
  const { search, setOwn } = useAddress();
  const may = useMay();
  const asked = [
    useSource('related', spike, may('metrics.view')),
    useSource('series', spike, may('metrics.view')),
    useSource('logs', spike, may('logs.view')),
    useSource('traces', spike, may('traces.view')),
  ];
  const all = ranked(asked.flatMap(({ part }) => part?.findings ?? []));
  const pending = asked.some((one) => one.pending);
  const kind = KINDS.find((one) => one === search.kind) ?? null;
  const count = (one: FindingKind): number => all.filter((finding) => finding.kind === one).length;
  const shown = kind === null ? all : all.filter((finding) => finding.kind === kind);
  return (
    <>
      <Toolbar label="Kinds">
        <SegmentedControl
          size="xs"
          aria-label="Kind"
          data={[
            { value: '', label: `All ${all.length}` },
            ...KINDS.filter((one) => count(one) > 0).map((one) => ({
              value: one,
              label: `${KIND_NAMES[one]} ${count(one)}`,
            })),
          ]}
          value={kind ?? ''}
          onChange={(next) => setOwn({ kind: next || undefined }, true)}
        />
      </Toolbar>
      <section className="panel card" aria-label="What else changed" aria-busy={pending}>
        <Progress busy={pending} />
        <h2>What else changed</h2>
        {asked.flatMap(({ source, error }) =>
          error === null ? (
            []
          ) : (
            <Note key={source} level="warn">
              {SOURCE_NAMES[source]} cannot be looked through: {error.message}
            </Note>
          ),
        )}
        {shown.length === 0 && pending ? <Skeleton kind="table" label="What else changed" rows={8} /> : null}
        {shown.length === 0 && !pending ? (
          <EmptyState reason="out-of-range" title="Nothing else changed then, as far as is known here">
            No series, no log pattern, no trace, no version, no alert. A longer time may show more: drag over
            the chart above.
          </EmptyState>
        ) : null}
        <ol className={styles.findings}>
          {shown.map((finding, i) => (
            <Row key={`${finding.kind} ${finding.title} ${i}`} finding={finding} spike={spike} />
          ))}
        </ol>
        <p className={styles.notes}>
          {asked.flatMap(({ part }) => (part?.note ? [part.note] : [])).join(' · ')}
          {shown.length > 0
            ? ' · that two things changed together does not make one the reason of the other'
            : ''}
        </p>
      </section>
    </>
  );
}

/** From a spike to all that changed with it, what explains most first. */
export default function ExplainPage(): ReactElement {
  const { search } = useAddress();
  const { utc } = usePageClock();
  const spike = useMemo(() => readSpike(search), [search]);
  // What is asked does not depend on how the list is narrowed.
  const key = spike && JSON.stringify(spike);
  const stable = useMemo(() => (key === null ? null : (JSON.parse(key) as Spike)), [key]);
  return (
    <Page>
      <PageHead
        title="Explain this spike"
        about={
          stable
            ? `${formatInstant(Math.round(stable.fromMs / 1000) * 1000, utc)}, ${formatSeconds((stable.toMs - stable.fromMs) / 1000, 2)} long, beside the ${formatSeconds(baselineMs(stable) / 1000, 2)} before`
            : null
        }
      />
      <Body>
        {stable === null ? (
          <EmptyState
            reason="no-such"
            title="No spike is chosen"
            actions={
              <PageLink page="explore" search={{}} className="button">
                To Explore
              </PageLink>
            }
          >
            Draw something in Explore or on a dashboard, and choose <b>Explain this spike</b> there.
          </EmptyState>
        ) : (
          <>
            <section className="panel card" aria-label="The spike">
              {stable.expr === '' ? null : (
                <p>
                  <PageLink
                    page="explore"
                    search={{
                      q0: stable.expr,
                      ...writeContext({
                        range: absolute(stable.fromMs - baselineMs(stable), stable.toMs),
                      }),
                    }}
                  >
                    <Expression text={stable.expr} />
                  </PageLink>{' '}
                  <LabelSet labels={stable.labels} />
                </p>
              )}
              <Drawn spike={stable} />
            </section>
            <Explained key={key} spike={stable} />
          </>
        )}
      </Body>
    </Page>
  );
}
