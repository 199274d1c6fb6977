import type { ReactElement, ReactNode } from 'react';
import styles from './gallery.module.css';

/** A part of the gallery. */
export function Section({ title, children }: { title: string; children: ReactNode }): ReactElement {
  return (
    <section className={styles.section} aria-label={title}>
      <h2>{title}</h2>
      <div className={styles.shown}>{children}</div>
    </section>
  );
}
