import type { ReactElement, ReactNode } from 'react';
import { Confirm } from '../design/Confirm';
import { Note } from '../design/parts';
import { toasts } from '../design/toasts';
import { useDeed } from './useDeed';

/**
 * Asks before something that cannot be taken back, does it and says so; what fails is told where it was asked.
 * Mounted when it opens.
 */
export function ConfirmDeed(props: {
  title: string;
  /** The deed, as its button says it. */
  action: string;
  /** What is told once it is done; nothing where the page shows it. */
  said?: string;
  /** What must be typed first. */
  phrase?: string;
  run: () => Promise<unknown>;
  onClose: () => void;
  /** What will happen, and to what. */
  children: ReactNode;
}): ReactElement {
  const { said, run, onClose, children, ...question } = props;
  const deed = useDeed();
  const confirm = async (): Promise<void> => {
    if (!(await deed.run(run))) return;
    if (said !== undefined) toasts.show({ level: 'ok', text: said });
    onClose();
  };
  return (
    <Confirm open danger {...question} onConfirm={() => void confirm()} onCancel={onClose}>
      {children}
      {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
    </Confirm>
  );
}
