import clsx from 'clsx';
import type { ReactElement, ReactNode } from 'react';
import { formatValue, type Unit } from './format';
import { Sparkline } from './Sparkline';
import { STATUS_LOOKS, type Status } from './status';
import { StatusChip } from './StatusChip';
import styles from './tile.module.css';

/** One figure that matters: its name, its value, how it went, and what state that is. */
export function StatTile(props: {
  name: string;
  /** Null while it is not known. */
  value: number | null;
  unit: Unit;
  /** Below the value: of what, since when. */
  note?: ReactNode;
  values?: readonly (number | null)[];
  status?: Status;
  /** What stands in the value's place while there is none. */
  absent?: string;
}): ReactElement {
  const { name, value, unit, note, values, status, absent = 'no data' } = props;
  const [figure = '', ...after] = value === null ? [absent] : formatValue(value, unit).split(' ');
  const loud = status !== undefined && status !== 'ok' && STATUS_LOOKS[status].tone !== null;
  return (
    <article className={styles.tile}>
      <header>
        <h3>{name}</h3>
        {loud ? <StatusChip status={status} /> : null}
      </header>
      <div className={styles.figures}>
        <b className={clsx(styles.figure, value === null && styles.absent)} title={String(value ?? absent)}>
          {value === null ? absent : figure}
          {after.length > 0 && value !== null ? <small> {after.join(' ')}</small> : null}
        </b>
        {values ? <Sparkline label={name} values={values} unit={unit} height={30} /> : null}
      </div>
      <div className={styles.note}>{note}</div>
    </article>
  );
}
