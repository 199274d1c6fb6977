import type { ReactElement, ReactNode } from 'react';
import { Mantine } from '../design/Mantine';
import styles from './account.module.css';

/** The plain page for those who are not in yet. */
export function Gate({ title, children }: { title: string; children: ReactNode }): ReactElement {
  return (
    <Mantine>
      <main className={styles.gate}>
        <section className={styles.card} aria-label={title}>
          <header className={styles.head}>
            <img src="/favicon.svg" alt="" width={30} height={30} />
            <span>Pharos</span>
          </header>
          <h1>{title}</h1>
          {children}
        </section>
      </main>
    </Mantine>
  );
}
