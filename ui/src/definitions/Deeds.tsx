import type { ReactElement } from 'react';
import { visibleText } from '../design/value';

/** What can be done with one row of definitions. */
export function Deeds(props: {
  name: string;
  whyNot: string | null;
  onEdit: () => void;
  onHistory: () => void;
  onDrop: () => void;
}): ReactElement {
  const { whyNot } = props;
  const name = visibleText(props.name);
  const barred = whyNot === null ? {} : { disabled: true, title: whyNot };
  return (
    <span className="row">
      <button
        type="button"
        className="button quiet"
        aria-label={`Change ${name}`}
        onClick={props.onEdit}
        {...barred}
      >
        Change
      </button>
      <button
        type="button"
        className="button quiet"
        aria-label={`Versions of ${name}`}
        onClick={props.onHistory}
      >
        Versions
      </button>
      <button
        type="button"
        className="button quiet"
        aria-label={`Delete ${name}`}
        onClick={props.onDrop}
        {...barred}
      >
        Delete
      </button>
    </span>
  );
}
