import { Modal } from '@mantine/core';
import '@mantine/core/styles/Overlay.css';
import '@mantine/core/styles/ModalBase.css';
import '@mantine/core/styles/CloseButton.css';
import '@mantine/core/styles/Modal.css';
import { useId, useState, type ReactElement, type ReactNode } from 'react';
import { UnsavedContext, useGuard, type Guard } from './unsaved';
import styles from './dialog.module.css';

/** A dialog over the page. */
export function Dialog(props: {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  children: ReactNode;
  /** It asks for an answer, and a click beside it is none. */
  alert?: boolean;
  /** What is typed in it is worth no question. */
  fleeting?: boolean;
}): ReactElement {
  const { open, onClose, title, children, alert = false, fleeting = false } = props;
  const guard = useGuard(onClose);
  const dialog = (
    <Modal
      opened={open}
      onClose={fleeting ? onClose : guard.close}
      title={title}
      closeOnClickOutside={!alert}
      centered
      size="min(460px, calc(100vw - 32px))"
      lockScroll={false}
      transitionProps={{ duration: 0 }}
      overlayProps={{ backgroundOpacity: 0.4, blur: 0 }}
      closeButtonProps={{ 'aria-label': 'Close' }}
      // A second banner beside the page's would be one too many for readers who go by landmarks.
      attributes={{ header: { role: 'none' } }}
      classNames={{
        content: styles.dialog ?? '',
        header: styles.header ?? '',
        title: styles.title ?? '',
        body: styles.body ?? '',
        close: styles.close ?? '',
      }}
    >
      <Guarded guard={guard}>{children}</Guarded>
    </Modal>
  );
  // The question is such a dialog itself.
  return fleeting ? (
    dialog
  ) : (
    <>
      {dialog}
      <Discard guard={guard} />
    </>
  );
}

/** Around what is in a drawer or a dialog: what is changed in its forms is noticed. */
export function Guarded(props: { guard: Guard; children: ReactNode }): ReactElement {
  const { unsaved, around } = props.guard;
  return (
    <UnsavedContext value={unsaved}>
      <div className={styles.guarded} ref={around}>
        {props.children}
      </div>
    </UnsavedContext>
  );
}

/** The question before what was changed in a drawer or a dialog is lost. */
export function Discard({ guard }: { guard: Guard }): ReactElement | null {
  // Were it there before, the very Escape that opens it would be heard by it as well, and close it.
  if (!guard.asking) return null;
  return (
    <Confirm
      open
      title="Discard what you changed?"
      action="Discard"
      cancel="Go on editing"
      danger
      onConfirm={guard.leave}
      onCancel={guard.stay}
    >
      It is not saved.
    </Confirm>
  );
}

/**
 * Asks before something that cannot be taken back. Focus begins on what cancels. With `phrase`, the name of what is at
 * stake, that must be typed first.
 */
export function Confirm(props: {
  open: boolean;
  title: string;
  /** What will happen, and to what. */
  children: ReactNode;
  /** The deed, as its button says it: `Delete 12 silences`. */
  action: string;
  /** What the other button says. */
  cancel?: string;
  danger?: boolean;
  phrase?: string;
  onConfirm: () => void;
  onCancel: () => void;
}): ReactElement {
  const { open, title, children, action, danger = false, phrase, onConfirm, onCancel } = props;
  const [typed, setTyped] = useState('');
  const id = useId();
  const leave = (): void => {
    setTyped('');
    onCancel();
  };
  return (
    <Dialog open={open} onClose={leave} title={title} alert fleeting>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          // A form that asks is no part of the one that it was opened from, though React has it bubble there.
          event.stopPropagation();
          setTyped('');
          onConfirm();
        }}
      >
        <div className={styles.said}>{children}</div>
        {phrase === undefined ? null : (
          <div className={styles.phrase}>
            <label htmlFor={id}>
              Type <b>{phrase}</b> to go on
            </label>
            <input
              id={id}
              className="field mono"
              autoComplete="off"
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
          </div>
        )}
        <div className={styles.actions}>
          <button type="button" className="button" onClick={leave} data-autofocus>
            {props.cancel ?? 'Cancel'}
          </button>
          <button
            type="submit"
            className={danger ? `button ${styles.danger ?? ''}` : 'button primary'}
            disabled={phrase !== undefined && typed !== phrase}
          >
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
