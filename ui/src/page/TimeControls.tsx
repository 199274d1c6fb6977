import type { ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { RefreshControl } from '../time/RefreshControl';
import { TimePicker } from '../time/TimePicker';
import styles from './page.module.css';

/** The range and the refresh of the address, as every page shows them. */
export function TimeControls(props: {
  /** The page shows a range of time, not only the present. */
  ranged?: boolean;
  busy: boolean;
  /** The range changed: pages that fix "now" until the next run fix it anew. */
  onRange?: () => void;
  onNow: () => void;
}): ReactElement {
  const { ranged = false, busy, onRange, onNow } = props;
  const { range, refreshMs, change } = useAddress();
  return (
    <div className={styles.time}>
      {ranged ? (
        <TimePicker
          range={range}
          onChange={(next) => {
            onRange?.();
            change({ range: next });
          }}
        />
      ) : null}
      <RefreshControl
        refreshMs={refreshMs}
        onChange={(next) => change({ refreshMs: next }, true)}
        onNow={onNow}
        busy={busy}
      />
    </div>
  );
}
