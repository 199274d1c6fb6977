import type { ReactElement } from 'react';
import { Button } from '../design/Button';
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
  return (
    <span className="row">
      <Button className="button quiet" aria-label={`Change ${name}`} whyNot={whyNot} onClick={props.onEdit}>
        Change
      </Button>
      <button
        type="button"
        className="button quiet"
        aria-label={`Versions of ${name}`}
        onClick={props.onHistory}
      >
        Versions
      </button>
      <Button className="button quiet" aria-label={`Delete ${name}`} whyNot={whyNot} onClick={props.onDrop}>
        Delete
      </Button>
    </span>
  );
}
