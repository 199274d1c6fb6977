import type { ReactElement } from 'react';
import type { ShownFrame } from '../overrides';
import styles from '../panels.module.css';

/** That a panel's queries answered nothing that it could draw. */
export function NoData({
  frames,
  height,
  text,
}: {
  frames: readonly ShownFrame[];
  height: number;
  text?: string;
}): ReactElement {
  const empty = frames.every(({ fields }) => fields.every(({ values }) => values.length === 0));
  const said =
    text ??
    frames[0]?.fields[0]?.config.noValue ??
    (empty ? 'No data' : 'No data of the kind that this panel draws');
  return (
    <div className={styles.none} style={{ height }} role="status">
      {said}
    </div>
  );
}
