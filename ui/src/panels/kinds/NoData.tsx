import { use, type ReactElement } from 'react';
import { NoValueText } from '../context';
import type { ShownFrame } from '../overrides';
import styles from '../panels.module.css';

/** Lower than this there is room for two words. */
const ROOM_PX = 60;

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
  const noValue = use(NoValueText);
  const said =
    text ?? noValue ?? (empty || height < ROOM_PX ? 'No data' : 'No data of the kind that this panel draws');
  return (
    <div className={styles.none} style={{ height }} role="status">
      {said}
    </div>
  );
}
