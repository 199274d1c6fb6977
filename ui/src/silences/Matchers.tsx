import type { ReactElement } from 'react';
import type { SilenceMatcher } from '../api/alerting';
import { Choice } from '../design/Choice';
import { OPERATORS } from '../design/filter';
import { IconButton, Note } from '../design/parts';
import styles from './silences.module.css';

/** Conditions on labels, as many as are wanted. */
export function Matchers(props: {
  /** What they are of. */
  title?: string;
  error?: string | undefined;
  matchers: readonly SilenceMatcher[];
  names: readonly string[];
  onChange: (matchers: readonly SilenceMatcher[]) => void;
}): ReactElement {
  const { title = 'Alerts with', error, matchers, names, onChange } = props;
  // Of two lists in one form each field has a name of its own.
  const of = title === 'Alerts with' ? '' : ` of ${title.toLowerCase()}`;
  const set = (at: number, next: Partial<SilenceMatcher>): void =>
    onChange(matchers.map((one, i) => (i === at ? { ...one, ...next } : one)));
  return (
    <fieldset className={styles.matchers}>
      <legend>{title}</legend>
      {matchers.map((one, i) => (
        <div className={styles.matcher} key={i}>
          <Choice
            label={`Label ${i + 1}${of}`}
            options={names.map((value) => ({ value }))}
            value={one.name === '' ? null : one.name}
            placeholder="label"
            free
            onChange={(name) => set(i, { name: name ?? '' })}
          />
          <select
            className="select"
            aria-label={`Comparison ${i + 1}${of}`}
            value={one.op}
            onChange={(event) => set(i, { op: event.target.value as SilenceMatcher['op'] })}
          >
            {OPERATORS.map((op) => (
              <option key={op}>{op}</option>
            ))}
          </select>
          <input
            className="field mono"
            aria-label={`Value ${i + 1}${of}`}
            value={one.value}
            // What the reader has to say: what is given already, as for a chosen alert, is passed over.
            {...(one.value === '' ? { 'data-autofocus': true } : {})}
            onChange={(event) => set(i, { value: event.target.value })}
          />
          <IconButton
            icon="close"
            label={`Remove matcher ${i + 1}${of}`}
            onClick={() => onChange(matchers.filter((_, at) => at !== i))}
          />
        </div>
      ))}
      <div>
        <button
          type="button"
          className="button quiet"
          onClick={() => onChange([...matchers, { name: '', op: '=', value: '' }])}
        >
          Add a matcher
        </button>
      </div>
      {error === undefined ? null : <Note level="bad">{error}</Note>}
    </fieldset>
  );
}
