import { useState, type ReactElement } from 'react';
import { limitedIn, OPERATORS, withLimit } from './limit';
import styles from './rules.module.css';

const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/u;

/** Above or below which number an alert fires: the end of its expression, chosen instead of written. */
export function LimitField(props: {
  expr: string;
  /** It is what a new alert lacks first. */
  first: boolean;
  onChange: (expr: string) => void;
}): ReactElement | null {
  const { expr, first, onChange } = props;
  const [typed, setTyped] = useState<string | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const limited = limitedIn(expr);
  if (limited === null) return null;
  const { measure, limit } = limited;
  const operator = limit === null ? (chosen ?? limited.operator) : limited.operator;
  // What is typed stands as it was typed, as long as the expression says the same or it is no number yet.
  const isOwn = typed !== null && (NUMBER.test(typed) ? Number(typed) === limit : limit === null);
  const shown = isOwn ? typed : limit === null ? '' : String(limit);
  return (
    <div className={styles.limit} role="group" aria-label="Limit">
      <span>Fires where it</span>
      <select
        className="select"
        aria-label="Comparison"
        value={operator}
        onChange={({ target }) => {
          setChosen(target.value);
          if (limit !== null) onChange(withLimit(measure, target.value, shown));
        }}
      >
        {OPERATORS.map(([sign, inWords]) => (
          <option key={sign} value={sign}>
            {inWords}
          </option>
        ))}
      </select>
      <input
        className="field mono"
        inputMode="decimal"
        aria-label="Number"
        placeholder="a number"
        {...(first ? { 'data-autofocus': true } : {})}
        value={shown}
        onChange={({ target }) => {
          const text = target.value.trim();
          setTyped(text);
          onChange(withLimit(measure, operator, NUMBER.test(text) ? text : ''));
        }}
      />
    </div>
  );
}
