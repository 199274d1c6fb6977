import type { ReactElement, ReactNode } from 'react';
import { Button } from '../design/Button';
import { Note } from '../design/parts';
import type { Deed } from './useDeed';

/** The fields of something that changes the server; below them what went wrong, Cancel, and the deed. */
export function DeedForm(props: {
  deed: Deed;
  /** The deed, as its button says it. */
  action: string;
  /** Whether the fields suffice. */
  ready?: boolean;
  /** Why it cannot be done, whatever the fields hold. */
  whyNot?: string | null;
  /** What went wrong and stands at no field; all that did where it is left out. */
  fault?: string | null;
  /** At the begin of the line of buttons. */
  aside?: ReactNode;
  /** More of the line of buttons' look. */
  footClass?: string | undefined;
  send: () => unknown;
  onCancel: () => void;
  children: ReactNode;
}): ReactElement {
  const { deed, action, ready = true, whyNot = null, aside, footClass, send, onCancel, children } = props;
  const fault = props.fault === undefined ? (deed.error?.message ?? null) : props.fault;
  return (
    <form
      className="form"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {children}
      {fault === null ? null : <Note level="bad">{fault}</Note>}
      <div className={footClass ?? 'form-actions'}>
        {aside}
        <button type="button" className="button" onClick={onCancel}>
          Cancel
        </button>
        <Button type="submit" className="button primary" whyNot={whyNot} disabled={deed.busy || !ready}>
          {action}
        </Button>
      </div>
    </form>
  );
}
