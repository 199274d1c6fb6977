import type { ReactElement } from 'react';
import { IconButton } from '../design/parts';
import type { Pair } from './draft';
import styles from './rules.module.css';

/** Names with values, as many as are wanted. */
export function Pairs(props: {
  title: string;
  /** What one of them is called: "label". */
  one: string;
  pairs: readonly Pair[];
  onChange: (pairs: readonly Pair[]) => void;
}): ReactElement {
  const { title, one, pairs, onChange } = props;
  const set = (at: number, next: Partial<Pair>): void =>
    onChange(pairs.map((pair, i) => (i === at ? { ...pair, ...next } : pair)));
  return (
    <fieldset className={styles.pairs}>
      <legend>{title}</legend>
      {pairs.map((pair, i) => (
        <div className={styles.pair} key={i}>
          <input
            className="field mono"
            aria-label={`Name of ${one} ${i + 1}`}
            placeholder={one}
            value={pair.name}
            onChange={(event) => set(i, { name: event.target.value })}
          />
          <textarea
            className={`field ${styles.area ?? ''}`}
            aria-label={`Value of ${one} ${i + 1}`}
            rows={Math.min(6, pair.value.split('\n').length)}
            value={pair.value}
            onChange={(event) => set(i, { value: event.target.value })}
          />
          <IconButton
            icon="close"
            label={`Remove ${one} ${i + 1}`}
            onClick={() => onChange(pairs.filter((_, at) => at !== i))}
          />
        </div>
      ))}
      <div>
        <button
          type="button"
          className="button quiet"
          onClick={() => onChange([...pairs, { name: '', value: '' }])}
        >
          Add {one === 'annotation' ? 'an' : 'a'} {one}
        </button>
      </div>
    </fieldset>
  );
}
