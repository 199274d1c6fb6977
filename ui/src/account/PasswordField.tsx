import { useState, type ReactElement } from 'react';
import { Field } from '../design/fields';
import styles from './account.module.css';

export const LEAST_PASSWORD = 12;

/** A password, which can be looked at. */
export function PasswordField(props: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** It is one that there is already, not one that is chosen. */
  current?: boolean;
  autoFocus?: boolean;
}): ReactElement {
  const { label, value, onChange, current = false, autoFocus = false } = props;
  const [seen, setSeen] = useState(false);
  const short = !current && value !== '' && value.length < LEAST_PASSWORD;
  return (
    <Field
      label={label}
      hint={
        current
          ? undefined
          : short
            ? `${LEAST_PASSWORD - value.length} more characters`
            : `${LEAST_PASSWORD} characters or more; a few words in a row are easy to keep and hard to guess`
      }
    >
      {({ id, describedBy, invalid }) => (
        <span className={styles.password}>
          <input
            id={id}
            className="field"
            type={seen ? 'text' : 'password'}
            name={current ? 'password' : 'new-password'}
            autoComplete={current ? 'current-password' : 'new-password'}
            autoFocus={autoFocus}
            aria-invalid={invalid}
            aria-describedby={describedBy}
            value={value}
            onChange={(event) => onChange(event.target.value)}
          />
          <button type="button" className="button quiet" aria-pressed={seen} onClick={() => setSeen(!seen)}>
            {seen ? 'Hide' : 'Show'}
          </button>
        </span>
      )}
    </Field>
  );
}
