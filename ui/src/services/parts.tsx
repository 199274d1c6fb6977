import { Link } from '@tanstack/react-router';
import type { ReactElement, ReactNode } from 'react';
import { useCarried } from '../address/hooks';
import { SERVICE } from '../address/places';
import type { Column } from '../chart/columns';
import { formatValue, type Unit } from '../design/format';
import { Sparkline } from '../design/Sparkline';
import { NoValue } from '../design/NoValue';
import styles from './services.module.css';

/** A link to the page of one service. */
export function ServiceLink({ name, children }: { name: string; children: ReactNode }): ReactElement {
  const search = useCarried({});
  return (
    <Link to={SERVICE} params={{ service: name }} search={search}>
      {children}
    </Link>
  );
}

/** A figure and how it went. */
export function Went(props: {
  label: string;
  value: number | null;
  values: Column;
  unit: Unit;
  /** It is worth a look. */
  bad?: boolean;
}): ReactElement {
  const { label, value, values, unit, bad = false } = props;
  if (value === null && values.every((one) => one === null)) return <NoValue />;
  return (
    <span className={styles.went}>
      <Sparkline
        label={label}
        values={values}
        unit={unit}
        width={72}
        height={20}
        {...(bad ? { color: 'var(--bad)' } : {})}
      />
      <span className={bad ? styles.bad : undefined}>{value === null ? '–' : formatValue(value, unit)}</span>
    </span>
  );
}
