import clsx from 'clsx';
import type { ReactElement } from 'react';
import type { Line } from './lines';
import { Value } from './Value';
import styles from './lines.module.css';

const SIGNS: Readonly<Record<Line['kind'], string>> = { same: ' ', gone: '-', new: '+', 'left out': '⋯' };
const CLASSES: Readonly<Record<Line['kind'], string | undefined>> = {
  same: undefined,
  gone: styles.gone,
  new: styles.new,
  'left out': styles.out,
};

/** A text before and after a change: lines that are gone, and new ones. */
export function LineDiff({ lines, label }: { lines: readonly Line[]; label: string }): ReactElement {
  if (lines.every(({ kind }) => kind === 'same' || kind === 'left out'))
    return <p className="dim">Nothing differs.</p>;
  return (
    <pre className={styles.diff} tabIndex={0} aria-label={label}>
      {lines.map(({ kind, text }, i) => (
        <span key={i} className={clsx(styles.line, CLASSES[kind])}>
          <span className={styles.sign}>{SIGNS[kind]}</span>
          <span className={styles.text}>
            {text === '' ? null : <Value text={text} mono />}
            {'\n'}
          </span>
        </span>
      ))}
    </pre>
  );
}
