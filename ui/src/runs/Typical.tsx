import clsx from 'clsx';
import { useMemo, type ReactElement } from 'react';
import type { PastRun, RunView } from '../api/runs';
import { formatCount, formatInstant, formatSeconds, formatThings, formatValue } from '../design/format';
import { usePageClock } from '../design/hooks';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { byVersion, layHistory, rankOf } from './history';
import { Card, Facts, percent, RunLink, toneOf } from './parts';
import { againstTypical, costText, elapsedMs, lookOf } from './state';
import styles from './typical.module.css';

function Versions({ runs, own }: { runs: readonly PastRun[]; own: string }): ReactElement | null {
  const rows = byVersion(runs);
  if (rows.length < 2) return null;
  return (
    <table className={styles.versions}>
      <thead>
        <tr>
          <th scope="col">version</th>
          <th scope="col">runs</th>
          <th scope="col">succeeded</th>
          <th scope="col">median</th>
        </tr>
      </thead>
      <tbody>
        {rows.slice(0, 6).map(({ version, runs: count, successRate, medianMs }) => (
          <tr key={version}>
            <th scope="row">
              {version === '' ? <span className="dim">none</span> : <Value text={version} mono />}
              {version === own ? <span className={styles.note}>this run’s</span> : null}
            </th>
            <td>{formatCount(count)}</td>
            <td>{successRate === null ? '–' : formatValue(successRate, 'ratio')}</td>
            <td>{medianMs === null ? '–' : formatSeconds(medianMs / 1000)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The run among those of its workflow before it: how long they took, what is usual, how its versions did. */
export function TypicalCard({ view, nowMs }: { view: RunView; nowMs: number }): ReactElement {
  const { utc } = usePageClock();
  const { run, typical, history } = view;
  const ms = elapsedMs(run, nowMs);
  const own: PastRun = {
    run_id: run.run_id,
    state: run.state,
    start_ms: run.start_ms,
    duration_ms: ms,
    input_size: run.input_size,
    version: run.version,
  };
  const { bars, topMs, median, high } = layHistory(history, own, typical);
  const versions = useMemo(
    () => [{ version: run.version, state: run.state, duration_ms: run.duration_ms } as PastRun, ...history],
    [run.version, run.state, run.duration_ms, history],
  );
  const rank = run.is_over ? rankOf(ms, history) : null;
  const usual = againstTypical(ms, typical?.duration_p50_ms ?? null);
  return (
    <Card
      title="Against the typical run"
      {...(typical === null || typical.runs === 0
        ? {}
        : { count: `${formatThings(typical.runs, 'run')}${typical.by_size ? ' of about this size' : ''}` })}
    >
      {history.length === 0 ? (
        <p className="dim">
          It is the first run of its workflow that is known: nothing to compare it with yet.
        </p>
      ) : (
        <>
          <div className={styles.chart} role="group" aria-label="The last runs, by how long they took">
            {high === null ? null : (
              <i className={styles.band} style={{ height: percent(high) }} aria-hidden="true">
                <span>p95 {formatSeconds((typical?.duration_p95_ms ?? 0) / 1000, 2)}</span>
              </i>
            )}
            {median === null ? null : (
              <i className={styles.median} style={{ bottom: percent(median) }} aria-hidden="true">
                <span>p50 {formatSeconds((typical?.duration_p50_ms ?? 0) / 1000, 2)}</span>
              </i>
            )}
            <div className={styles.bars}>
              {bars.map((bar) => {
                const said = [
                  visibleText(bar.runId),
                  lookOf(bar.state).name.toLowerCase(),
                  ...(bar.durationMs === null ? [] : [formatSeconds(Math.round(bar.durationMs) / 1000)]),
                  ...(bar.startMs === null
                    ? []
                    : [formatInstant(Math.floor(bar.startMs / 1000) * 1000, utc)]),
                ].join(', ');
                const fill = (
                  <i
                    className={clsx(styles.fill, toneOf(bar.state))}
                    style={{ height: percent(bar.height) }}
                  />
                );
                return bar.isOwn ? (
                  <span key={bar.runId} className={clsx(styles.bar, styles.own)} title={`This run: ${said}`}>
                    {fill}
                  </span>
                ) : (
                  <RunLink key={bar.runId} runId={bar.runId} className={styles.bar} title={said}>
                    {fill}
                    <span className="visually-hidden">{said}</span>
                  </RunLink>
                );
              })}
            </div>
          </div>
          <p className={styles.ends}>
            <span>{formatThings(history.length, 'run')} before it</span>
            <span>full height {formatSeconds(topMs / 1000, 2)}</span>
            <span>this run</span>
          </p>
          <Facts
            facts={[
              usual === '' ? null : [run.is_over ? 'It took' : 'It takes by now', usual],
              rank === null
                ? null
                : ['Longer than', `${formatValue(Math.round(rank * 100) / 100, 'ratio')} of them`],
              typical?.success_rate == null
                ? null
                : ['Succeed as a rule', formatValue(typical.success_rate, 'ratio')],
              typical?.cost_p50 == null || run.cost === null
                ? null
                : [
                    'Cost',
                    `${costText(run.cost, run.cost_unit)}, as a rule ${costText(typical.cost_p50, run.cost_unit)}`,
                  ],
            ]}
          />
          <Versions runs={versions} own={run.version} />
        </>
      )}
    </Card>
  );
}
