import { Link } from '@tanstack/react-router';
import type { ReactElement, ReactNode } from 'react';
import { useCarried } from '../address/hooks';
import { HOST } from '../address/places';
import { formatSeconds, formatValue } from '../design/format';
import { filled, FULL_IN, type Disk } from './hosts';
import { LIMITS } from '../home/verdict';
import styles from './hosts.module.css';

/** A link to the page of one host. */
export function HostLink({ name, children }: { name: string; children: ReactNode }): ReactElement {
  const search = useCarried({});
  return (
    <Link to={HOST} params={{ host: name }} search={search}>
      {children}
    </Link>
  );
}

/** A share as a bar with its figure. */
export function Share({
  value,
  limits,
}: {
  value: number | null;
  limits: readonly [number, number];
}): ReactElement {
  if (value === null) return <span className="dim">–</span>;
  const level = value >= limits[1] ? styles.bad : value >= limits[0] ? styles.warn : undefined;
  return (
    <span className={styles.share}>
      <span className={styles.track} aria-hidden="true">
        <i className={level} style={{ width: `${Math.min(100, Math.max(0, value * 100))}%` }} />
      </span>
      <span className={level}>{formatValue(value, 'ratio')}</span>
    </span>
  );
}

/** When a disk will be full, in words. */
export function FullIn({ disk }: { disk: Disk }): ReactElement {
  if (disk.fullInS === null)
    return (
      <span className="dim">
        {disk.trend === null ? 'too young to tell' : disk.trend < 0 ? 'not within 90 days' : 'not filling'}
      </span>
    );
  const level =
    disk.fullInS <= FULL_IN.critical ? styles.bad : disk.fullInS <= FULL_IN.warning ? styles.warn : undefined;
  return <span className={level}>full in {formatSeconds(disk.fullInS, 2)}</span>;
}

/** How full a disk is, which one, and when it will be full; in one line where it is `flat`. */
export function DiskCell({ disk, flat = false }: { disk: Disk | null; flat?: boolean }): ReactElement {
  if (disk === null) return <span className="dim">–</span>;
  return (
    <span className={flat ? styles.flat : styles.disk}>
      <Share value={filled(disk)} limits={LIMITS.fill} />
      <span className={styles.why}>
        {disk.mount}
        {disk.fullInS === null ? '' : ', '}
        {disk.fullInS === null ? null : <FullIn disk={disk} />}
      </span>
    </span>
  );
}
