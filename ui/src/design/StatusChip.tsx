import clsx from 'clsx';
import type { ReactElement, ReactNode } from 'react';
import { Glyph } from './Glyph';
import { STATUS_LOOKS, type Status } from './status';
import styles from './status.module.css';

/** The state of something, by icon, colour and word; `children` in place of the state's own name. */
export function StatusChip({ status, children }: { status: Status; children?: ReactNode }): ReactElement {
  const { name, icon, tone } = STATUS_LOOKS[status];
  return (
    <span className={clsx(styles.chip, tone && styles[tone], styles[status])}>
      <Glyph name={icon} size={13} />
      {children ?? name}
    </span>
  );
}

/** The state as a dot where there is no room; `label` says what is in that state. */
export function StatusDot({ status, label }: { status: Status; label: string }): ReactElement {
  const { name, tone } = STATUS_LOOKS[status];
  return (
    <span
      className={clsx(styles.dot, tone && styles[tone])}
      role="img"
      aria-label={`${label}: ${name}`}
      title={`${label}: ${name}`}
    />
  );
}
