import clsx from 'clsx';
import type { ReactElement } from 'react';
import { CopyIcon } from './parts';
import { tokens, type CodeLanguage } from './code';
import { Value } from './Value';
import styles from './code.module.css';

/** Text that is code: lines numbered, some marked, to be copied whole. Hidden characters are shown; what is copied is as it was. */
export function CodeView(props: {
  text: string;
  label: string;
  language?: CodeLanguage;
  /** Lines to point at, from 1. */
  marked?: readonly number[];
  numbered?: boolean;
  /** Long lines go on below instead of beyond the edge. */
  wrap?: boolean;
}): ReactElement {
  const { text, label, language = 'text', marked = [], numbered = true, wrap = false } = props;
  const lines = text.replace(/\r\n?/gu, '\n').replace(/\n$/u, '').split('\n');
  return (
    <div className={styles.code}>
      <div className={styles.copy}>
        <CopyIcon text={text} label={`Copy ${label}`} />
      </div>
      <pre tabIndex={0} aria-label={label} className={clsx(styles.lines, wrap && styles.wrap)}>
        <code>
          {lines.map((line, i) => (
            <span key={i} className={clsx(styles.line, marked.includes(i + 1) && styles.marked)}>
              {numbered ? <span className={styles.gutter} data-number={i + 1} aria-hidden="true" /> : null}
              <span className={styles.text}>
                {tokens(line, language).map((token, at) => (
                  <span key={at} className={styles[token.kind]}>
                    {token.text === '' ? null : <Value text={token.text} mono />}
                  </span>
                ))}
                {'\n'}
              </span>
            </span>
          ))}
        </code>
      </pre>
    </div>
  );
}
