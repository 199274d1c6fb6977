import clsx from 'clsx';
import { useMemo, type ReactElement } from 'react';
import type { RunFigures, RunStatistics } from '../api/runs';
import { formatCount, formatInstant, formatSeconds, formatThings } from '../design/format';
import { usePageClock } from '../design/hooks';
import { Skeleton } from '../design/Skeleton';
import { StatTile } from '../design/StatTile';
import type { Status } from '../design/status';
import { percent } from './parts';
import { costText } from './state';
import styles from './runs.module.css';

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}

function lengths(total: RunFigures): string {
  const { duration_p95_ms: p95, duration_p99_ms: p99 } = total;
  return [
    ...(p95 === null ? [] : [`p95 ${formatSeconds(p95 / 1000)}`]),
    ...(p99 === null ? [] : [`p99 ${formatSeconds(p99 / 1000)}`]),
  ].join(', ');
}

/** Beyond these shares of success a figure is no cause for a word. */
const GOOD = 0.99;
const FAIR = 0.9;

function statusOf(rate: number | null): Status {
  if (rate === null || rate >= GOOD) return 'ok';
  return rate >= FAIR ? 'warning' : 'critical';
}

/** The figures of the runs of a time; places for them while they are awaited. */
export function Tiles(props: {
  statistics: RunStatistics | undefined;
  /** How many are not over, and how many of these are late or stuck; null while that is not known. */
  live: number | null;
  late: number;
  stuck: number;
  /** Of what costs are. */
  costUnit: string;
}): ReactElement {
  const { statistics, live, late, stuck, costUnit } = props;
  if (statistics === undefined)
    return (
      <div className={styles.tiles}>
        {['Live', 'Success rate', 'Failed', 'Duration', 'Cost'].map((name) => (
          <Skeleton key={name} kind="tile" label={name} height={98} />
        ))}
      </div>
    );
  const { total, steps } = statistics;
  const over = total.succeeded + total.failed + total.aborted + total.timed_out;
  const troubled = [
    ...(late > 0 ? [`${formatCount(late)} late`] : []),
    ...(stuck > 0 ? [`${formatCount(stuck)} stuck`] : []),
  ];
  return (
    <div className={styles.tiles}>
      <StatTile
        name="Live"
        value={live ?? total.live}
        unit="count"
        note={troubled.length > 0 ? troubled.join(', ') : 'none late or stuck'}
        status={stuck > 0 ? 'critical' : late > 0 ? 'warning' : 'ok'}
      />
      <StatTile
        name="Success rate"
        value={total.success_rate}
        unit="ratio"
        absent="none is over"
        note={`${formatCount(total.succeeded)} of ${formatThings(over, 'run')} that ended`}
        status={statusOf(total.success_rate)}
        values={steps.map((step) => {
          const all = step.succeeded + step.failed;
          return all === 0 ? null : step.succeeded / all;
        })}
      />
      <StatTile
        name="Failed"
        value={total.failed + total.timed_out}
        unit="count"
        note={
          total.timed_out + total.aborted === 0
            ? 'none timed out or was aborted'
            : `${formatCount(total.timed_out)} timed out; ${formatCount(total.aborted)} aborted besides`
        }
        values={steps.map(({ failed }) => failed)}
      />
      <StatTile
        name="Duration (median)"
        value={seconds(total.duration_p50_ms)}
        unit="seconds"
        absent="none is over"
        note={lengths(total)}
      />
      <StatTile
        name={costUnit === '' ? 'Cost' : `Cost (${costUnit.toUpperCase()})`}
        value={total.cost_sum === 0 && total.cost_mean === null ? null : total.cost_sum}
        unit="none"
        absent="none told"
        note={total.cost_mean === null ? '' : `${costText(total.cost_mean, costUnit)} a run`}
      />
    </div>
  );
}

/** How many runs began in each step of time, by how they ended. */
export function OverTime({ statistics }: { statistics: RunStatistics }): ReactElement | null {
  const { utc } = usePageClock();
  const { steps, step_ms: stepMs } = statistics;
  const most = useMemo(
    () => steps.reduce((top, one) => Math.max(top, one.succeeded + one.failed + one.other), 0),
    [steps],
  );
  const [first, last] = [steps[0], steps.at(-1)];
  if (most === 0 || first === undefined || last === undefined) return null;
  const { succeeded, failed, timed_out: timedOut } = statistics.total;
  return (
    <figure className={clsx('panel card', styles.over)}>
      <div
        className={styles.bars}
        role="img"
        aria-label={`Runs over time: ${formatCount(succeeded)} succeeded, ${formatCount(failed + timedOut)} failed`}
      >
        {steps.map((one) => {
          const said = [
            formatInstant(one.start_ms, utc),
            `${formatCount(one.succeeded)} succeeded`,
            `${formatCount(one.failed)} failed`,
            ...(one.other > 0 ? [`${formatCount(one.other)} others`] : []),
          ].join(', ');
          return (
            <span key={one.start_ms} className={styles.bar} title={said}>
              <i className={styles.barOther} style={{ height: percent(one.other / most) }} />
              <i className={styles.barFailed} style={{ height: percent(one.failed / most) }} />
              <i className={styles.barGood} style={{ height: percent(one.succeeded / most) }} />
            </span>
          );
        })}
      </div>
      <figcaption className={styles.ends}>
        <span>{formatInstant(first.start_ms, utc)}</span>
        <span className={styles.barKey}>
          <i className={styles.barGood} /> succeeded <i className={styles.barFailed} /> failed{' '}
          <i className={styles.barOther} /> others
          <span className={styles.more}>
            , every {formatSeconds(stepMs / 1000)}; at most {formatCount(most)}
          </span>
        </span>
        <span>{formatInstant(last.start_ms + stepMs, utc)}</span>
      </figcaption>
    </figure>
  );
}
