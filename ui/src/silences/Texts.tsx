import type { ReactElement } from 'react';
import { Value } from '../design/Value';
import styles from './silences.module.css';

/** Matchers as definitions list them. */
export function Texts({ texts }: { texts: readonly string[] }): ReactElement {
  return (
    <span className={styles.chips}>
      {texts.map((text) => (
        <span className={styles.chip} key={text}>
          <Value text={text} />
        </span>
      ))}
    </span>
  );
}
