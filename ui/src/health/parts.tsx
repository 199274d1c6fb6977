import { memo, type ReactElement } from 'react';
import type { CheckView, Health, Strip } from '../api/health';
import { formatAgo, formatInstant } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import type { Status } from '../design/status';
import { StatusChip } from '../design/StatusChip';
import { shadeOf, uptimeText } from './strip';
import styles from './health.module.css';

const STATUSES: Readonly<Record<Health, Status>> = {
  healthy: 'ok',
  degraded: 'warning',
  down: 'critical',
  maintenance: 'info',
  unknown: 'unknown',
};
const WORDS: Readonly<Record<Health, string>> = {
  healthy: 'Healthy',
  degraded: 'Degraded',
  down: 'Down',
  maintenance: 'Maintenance',
  unknown: 'Unknown',
};
const CELL = 4;
const HEIGHT = 22;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export function HealthChip({ health }: { health: Health }): ReactElement {
  return <StatusChip status={STATUSES[health]}>{WORDS[health]}</StatusChip>;
}

/** How a check is: in maintenance, switched off, up, down or unknown. */
export function CheckChip({
  check,
}: {
  check: Pick<CheckView, 'state' | 'maintenance' | 'enabled'>;
}): ReactElement {
  if (!check.enabled) return <StatusChip status="muted">Off</StatusChip>;
  if (check.maintenance !== '') return <StatusChip status="info">Maintenance</StatusChip>;
  if (check.state === 'up') return <StatusChip status="ok">Up</StatusChip>;
  if (check.state === 'down') return <StatusChip status="critical">Down</StatusChip>;
  return <StatusChip status="unknown">Unknown</StatusChip>;
}

/** The last 90 days, one cell each, today at the right; a day that nobody measured is grey. */
export const DayStrip = memo(function DayStrip(props: {
  label: string;
  strip: Strip;
  uptime: number | null;
  tall?: boolean;
}): ReactElement {
  const { label, strip, uptime, tall = false } = props;
  const height = tall ? HEIGHT + 12 : HEIGHT;
  const today = Math.floor(useNow(HOUR_MS) / DAY_MS);
  return (
    <svg
      className={tall ? styles.tall : styles.strip}
      viewBox={`0 0 ${strip.length * CELL} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`${label}, ${strip.length} days: ${uptimeText(uptime)}`}
    >
      {strip.map((one, i) => (
        <rect key={i} className={styles[shadeOf(one)]} x={i * CELL} width={CELL - 1} height={height} rx={0.8}>
          <title>
            {new Date((today - strip.length + 1 + i) * DAY_MS).toISOString().slice(0, 10)}: {uptimeText(one)}
          </title>
        </rect>
      ))}
    </svg>
  );
});

export function Since({ at }: { at: string | null }): ReactElement {
  const now = useNow(1_000);
  const { utc } = usePageClock();
  if (at === null) return <span className="dim">never</span>;
  const ms = Date.parse(at);
  return <span title={formatInstant(ms, utc)}>{formatAgo(ms, now)}</span>;
}
