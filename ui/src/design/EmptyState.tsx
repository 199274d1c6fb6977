import type { ReactElement, ReactNode } from 'react';
import { Glyph, type GlyphName } from './Glyph';
import styles from './empty.module.css';

/** Why there is nothing, as far as it is known; each calls for something else. */
export type EmptyReason = 'none-yet' | 'filtered' | 'out-of-range' | 'no-such' | 'failed' | 'forbidden';

const ICONS: Readonly<Record<EmptyReason, GlyphName>> = {
  'none-yet': 'send',
  filtered: 'filter',
  'out-of-range': 'clock',
  'no-such': 'search',
  failed: 'error',
  forbidden: 'lock',
};

/** What stands where content would be: what is not there, why, and what to do about it. */
export function EmptyState(props: {
  reason: EmptyReason;
  title: string;
  children?: ReactNode;
  /** Buttons or links, the likeliest first. */
  actions?: ReactNode;
}): ReactElement {
  const { reason, title, children, actions } = props;
  return (
    <div className={styles.empty} role={reason === 'failed' ? 'alert' : 'status'} data-reason={reason}>
      <Glyph name={ICONS[reason]} size={26} />
      <b>{title}</b>
      {children === undefined ? null : <div className={styles.why}>{children}</div>}
      {actions === undefined ? null : <div className={styles.actions}>{actions}</div>}
    </div>
  );
}
