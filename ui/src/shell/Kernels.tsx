import type { ReactElement } from 'react';
import type { Kernels as Counts } from '../api/calls';
import styles from './shell.module.css';

/** How far compiling is, which happens once after an installation; gone when all is compiled. */
export function Kernels({ counts }: { counts: Counts | null }): ReactElement | null {
  if (counts === null) return null;
  const text = `Preparing: ${counts.compiled} of ${counts.total}`;
  return (
    <div
      className={styles.kernels}
      title="After an installation code is compiled for this processor, once. Until then first answers take longer."
    >
      <span>{text}</span>
      <progress max={counts.total} value={counts.compiled} aria-label={text} />
    </div>
  );
}
