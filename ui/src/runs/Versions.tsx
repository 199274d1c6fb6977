import type { ReactElement } from 'react';
import type { RunGroup } from '../api/runs';
import { formatCount, formatSeconds, formatValue } from '../design/format';
import { Value } from '../design/Value';
import { Card } from './parts';
import styles from './typical.module.css';

const MOST = 8;

/** How the versions of a workflow did, the newest first; nothing where there is one. */
export function Versions({ groups }: { groups: readonly RunGroup[] }): ReactElement | null {
  const rows = groups
    .filter(({ runs, live }) => runs + live > 0)
    .sort((a, b) => (b.last_start_ms ?? 0) - (a.last_start_ms ?? 0))
    .slice(0, MOST);
  if (rows.length < 2) return null;
  const time = (ms: number | null): string => (ms === null ? '–' : formatSeconds(ms / 1000));
  return (
    <Card title="Its versions">
      <table className={styles.versions}>
        <thead>
          <tr>
            {['version', 'runs', 'succeeded', 'median', 'p95'].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((one) => (
            <tr key={one.value}>
              <th scope="row">
                {one.value === '' ? <span className="dim">none</span> : <Value text={one.value} mono />}
              </th>
              <td>{formatCount(one.runs)}</td>
              <td>{one.success_rate === null ? '–' : formatValue(one.success_rate, 'ratio')}</td>
              <td>{time(one.duration_p50_ms)}</td>
              <td>{time(one.duration_p95_ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}
