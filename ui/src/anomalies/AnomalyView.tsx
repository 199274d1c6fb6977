import { useMemo, type ReactElement, type ReactNode } from 'react';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { anomaly, markAnomaly, type Anomaly, type Mark } from '../api/anomalies';
import { useAsked } from '../api/useAsked';
import { Chart } from '../chart/Chart';
import { Button } from '../design/Button';
import { seriesColor, STATUS_COLORS } from '../design/colors';
import { EmptyState } from '../design/EmptyState';
import { formatInstant, formatSeconds, formatValue, guessUnit } from '../design/format';
import { usePageClock, useScheme } from '../design/hooks';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { StatusChip } from '../design/StatusChip';
import { toasts } from '../design/toasts';
import { Expression, LabelSet, Value } from '../design/Value';
import { Body, Page, PageHead } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { whyNot } from '../session/lacking';
import { useMay } from '../session/session';
import { useDeed } from '../session/useDeed';
import styles from './anomalies.module.css';

const SAID: Readonly<Record<Mark, string>> = {
  abnormal: 'Nothing is learned from it',
  normal: 'That is how things are',
  none: 'It is neither',
};

function Marks({ of }: { of: Anomaly }): ReactElement {
  const { tenant } = useAddress();
  const may = useMay();
  const deed = useDeed();
  const why = whyNot(may, 'alerts.acknowledge', 'Anomalies are marked');
  const mark = async (next: Mark): Promise<void> => {
    if (await deed.run(() => markAnomaly(of.id, next, '', { tenant })))
      toasts.show({ level: 'ok', text: SAID[next] });
  };
  const names: Readonly<Record<Mark, string>> = { abnormal: 'Abnormal', normal: 'Normal', none: 'Unmark' };
  const offered: readonly Mark[] = of.mark === 'none' ? ['abnormal', 'normal'] : ['none'];
  return (
    <>
      {deed.error ? <span className="pill bad">{deed.error.message}</span> : null}
      {offered.map((one) => (
        <Button
          key={one}
          className={one === 'abnormal' ? 'button primary' : 'button'}
          whyNot={why}
          disabled={deed.busy}
          title={one === 'abnormal' ? 'Nothing is learned from it' : SAID[one]}
          onClick={() => void mark(one)}
        >
          {names[one]}
        </Button>
      ))}
    </>
  );
}

function Drawn({ of }: { of: Anomaly }): ReactElement {
  const scheme = useScheme();
  const { points, query } = of;
  const times = useMemo(() => (points?.times_ms ?? []).map((ms) => ms / 1000), [points]);
  if (points === null || times.length === 0 || points.values.every((one) => one === null))
    return (
      <EmptyState reason="out-of-range" title="What was judged is not kept any more">
        Verdicts are series: they are kept as long as metrics are.
      </EmptyState>
    );
  const ends: readonly [number, number] = [times[0] ?? 0, times.at(-1) ?? 1];
  const annotations = [
    {
      fromMs: Date.parse(of.start),
      toMs: of.end === null ? ends[1] * 1000 : Date.parse(of.end),
      text: 'Unusual',
      tone: of.severity,
    },
  ];
  return (
    <>
      <Chart
        title="What was judged, and what was to be expected"
        times={times}
        columns={[points.values]}
        names={[of.metric === '' ? of.watch : of.metric]}
        colors={[seriesColor(0, scheme)]}
        unit={guessUnit(query)}
        height={280}
        range={ends}
        marks={{
          annotations,
          bands: [{ label: 'expected', lower: points.lower, upper: points.upper, series: 0 }],
        }}
        syncKey="anomaly"
      />
      <Chart
        title="How unusual it was"
        times={times}
        columns={[points.scores]}
        names={['score']}
        colors={[STATUS_COLORS[scheme].warning]}
        unit="none"
        height={110}
        range={ends}
        atLeast={1}
        filled
        marks={{
          thresholds: [{ value: 0.5, label: 'alarm', tone: 'warning', beyond: 'above' }],
          annotations,
        }}
        syncKey="anomaly"
      />
    </>
  );
}

function Facts({ of }: { of: Anomaly }): ReactElement {
  const { utc } = usePageClock();
  const unit = guessUnit(of.query);
  const written = (value: number | null): string => (value === null ? '–' : formatValue(value, unit));
  const start = Date.parse(of.start);
  const facts: readonly (readonly [string, ReactNode])[] = [
    [
      'State',
      <StatusChip status={of.state === 'open' ? of.severity : 'muted'}>
        {of.state === 'open' ? of.severity : `${of.severity}, over`}
      </StatusChip>,
    ],
    [
      'When',
      of.end === null
        ? `since ${formatInstant(start, utc)}`
        : `${formatInstant(start, utc)}, for ${formatSeconds((Date.parse(of.end) - start) / 1000, 2)}`,
    ],
    ['Value', of.value === null ? 'missing' : written(of.value)],
    ['Expected', `${written(of.lower)} to ${written(of.upper)}`],
    ['Score', `${of.score.toFixed(2)}, sure by ${Math.round(of.confidence * 100)} %`],
    ['Watch', <Value text={of.watch} />],
    ['Labels', <LabelSet labels={of.labels} />],
    [
      'Judged',
      <PageLink page="explore" search={{ q0: of.query }}>
        <Expression text={of.query} />
      </PageLink>,
    ],
    ...(of.mark === 'none'
      ? []
      : [['Marked', `${of.mark}${of.marked_by === '' ? '' : ` by ${of.marked_by}`}`] as const]),
  ];
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value]) => [<dt key={`${name}?`}>{name}</dt>, <dd key={name}>{value}</dd>])}
    </dl>
  );
}

/** One anomaly: what the series did, what was to be expected, and what somebody says of it. */
export function AnomalyView({ id, refreshMs }: { id: string; refreshMs: number }): ReactElement {
  const answer = useAsked({
    key: ['anomaly', id],
    ask: (asking) => anomaly(id, asking),
    refreshMs: refreshMs === 0 ? 0 : Math.max(refreshMs, 15_000),
  });
  const found = answer.data?.data;
  return (
    <Page>
      <PageHead
        title={found === undefined ? 'Anomaly' : found.metric === '' ? found.watch : found.metric}
        breadcrumb={[{ name: 'Anomalies', page: 'anomalies', search: {} }]}
        actions={found === undefined ? null : <Marks of={found} />}
        time={<TimeControls busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      <Body>
        {found === undefined ? (
          answer.error ? (
            <Note level="bad">The anomaly cannot be read: {answer.error.message}</Note>
          ) : (
            <Skeleton kind="chart" label="The anomaly" />
          )
        ) : (
          <div className={styles.stack}>
            <Unreadable what="The anomaly" error={answer.error} asOfMs={answer.dataUpdatedAt} />
            <section className="panel card" aria-label="What it did">
              <Drawn of={found} />
            </section>
            <section className="panel card" aria-label="About it">
              <Facts of={found} />
            </section>
          </div>
        )}
      </Body>
    </Page>
  );
}
