import { useState, type ReactElement, type ReactNode } from 'react';
import { copyText } from '../design/copy';
import { Icon } from '../design/Icon';
import styles from './tokens.module.css';

/** Something that is shown now and never again, to be copied. */
export function SecretOnce(props: {
  /** What it is: `One-time link`. */
  label: string;
  text: string;
  /** What to do with it, and how long it is good. */
  children: ReactNode;
}): ReactElement {
  const { label, text, children } = props;
  const [said, setSaid] = useState<string | null>(null);
  return (
    <div className={styles.once}>
      <label>
        {label}
        <input
          className="field mono"
          readOnly
          value={text}
          spellCheck={false}
          onFocus={(event) => event.target.select()}
        />
      </label>
      <button
        type="button"
        className="button primary"
        onClick={() =>
          void copyText(text).then((done) => setSaid(done ? 'Copied' : 'Select it and press Ctrl C'))
        }
      >
        <Icon name={said === 'Copied' ? 'check' : 'copy'} />
        <span role="status">{said ?? 'Copy'}</span>
      </button>
      <p className="dim">{children}</p>
    </div>
  );
}
