// Fields of a form: a name above, a hint or what is wrong below, tied together for readers who cannot see them.

import { useId, type InputHTMLAttributes, type ReactElement, type ReactNode } from 'react';
import { Choice, MultiChoice, type ChoiceProps } from './Choice';
import { Icon } from './Icon';
import styles from './fields.module.css';

/** What every field has around what is typed in. */
export interface FieldFrame {
  label: string;
  hint?: ReactNode;
  /** What is wrong with it, and how to mend it. */
  error?: string | undefined;
  required?: boolean;
}

/** What the control in a field must carry, so that its name, hint and error are read with it. */
export interface Tied {
  id: string;
  describedBy: string | undefined;
  invalid: boolean;
}

/** A field around any control; `children` is given what ties it to its name. */
export function Field({
  label,
  hint,
  error,
  required = false,
  children,
}: FieldFrame & { children: (tied: Tied) => ReactNode }): ReactElement {
  const id = useId();
  const below = error ?? hint;
  return (
    <div className={styles.field}>
      <label htmlFor={id}>
        {label}
        {required ? <span className="dim"> (required)</span> : null}
      </label>
      {children({
        id,
        describedBy: below === undefined ? undefined : `${id}-note`,
        invalid: error !== undefined,
      })}
      {below === undefined ? null : (
        <p
          id={`${id}-note`}
          className={error === undefined ? 'dim' : styles.error}
          {...(error === undefined ? {} : { role: 'alert' })}
        >
          {error === undefined ? null : <Icon name="error" size={13} />}
          {below}
        </p>
      )}
    </div>
  );
}

type Native = Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'value' | 'id'>;

/** A line of text. */
export function TextField(
  props: FieldFrame & Native & { value: string; onChange: (value: string) => void; mono?: boolean },
): ReactElement {
  const { label, hint, error, required = false, value, onChange, mono = false, ...native } = props;
  return (
    <Field label={label} hint={hint} error={error} required={required}>
      {({ id, describedBy, invalid }) => (
        <input
          {...native}
          id={id}
          className={mono ? 'field mono' : 'field'}
          aria-invalid={invalid}
          aria-describedby={describedBy}
          aria-required={required}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

/** Several lines of text. */
export function TextAreaField(
  props: FieldFrame & { value: string; onChange: (value: string) => void; rows?: number },
): ReactElement {
  const { value, onChange, rows = 3, ...frame } = props;
  return (
    <Field {...frame}>
      {({ id, describedBy, invalid }) => (
        <textarea
          id={id}
          className={`field ${styles.area ?? ''}`}
          rows={rows}
          aria-invalid={invalid}
          aria-describedby={describedBy}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

type Chosen = 'id' | 'describedBy' | 'invalid';

/** One of many. */
export function ChoiceField(props: FieldFrame & Omit<ChoiceProps, Chosen>): ReactElement {
  const { hint, error, required = false, ...choice } = props;
  return (
    <Field label={props.label} hint={hint} error={error} required={required}>
      {({ id, describedBy, invalid }) => (
        <Choice
          {...choice}
          id={id}
          invalid={invalid}
          {...(describedBy === undefined ? {} : { describedBy })}
        />
      )}
    </Field>
  );
}

/** Several of many. */
export function MultiChoiceField(
  props: FieldFrame & Omit<Parameters<typeof MultiChoice>[0], Chosen>,
): ReactElement {
  const { hint, error, required = false, ...choice } = props;
  return (
    <Field label={props.label} hint={hint} error={error} required={required}>
      {({ id, describedBy, invalid }) => (
        <MultiChoice
          {...choice}
          id={id}
          invalid={invalid}
          {...(describedBy === undefined ? {} : { describedBy })}
        />
      )}
    </Field>
  );
}

/** Yes or no. */
export function CheckField(props: {
  label: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean;
}): ReactElement {
  return (
    <label className={styles.check}>
      <input
        type="checkbox"
        checked={props.checked}
        disabled={props.disabled}
        onChange={(event) => props.onChange(event.target.checked)}
      />
      {props.label}
    </label>
  );
}
