import clsx from 'clsx';
import { useEffect, useState, useSyncExternalStore, type ReactElement } from 'react';
import { Glyph } from './Glyph';
import { STATUS_LOOKS } from './status';
import { staysMs, toasts, type Toast } from './toasts';
import styles from './toasts.module.css';

function ToastRow({ toast }: { toast: Toast }): ReactElement {
  const [held, setHeld] = useState(false);
  const stays = staysMs(toast);
  useEffect(() => {
    if (stays === null || held) return undefined;
    const timer = setTimeout(() => toasts.dismiss(toast.id), stays);
    return () => clearTimeout(timer);
  }, [toast.id, stays, held]);
  return (
    <div
      className={clsx(styles.toast, styles[toast.level])}
      role={toast.level === 'critical' ? 'alert' : 'status'}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <Glyph name={STATUS_LOOKS[toast.level].icon} />
      <span className={styles.text}>{toast.text}</span>
      {toast.action ? (
        <button
          type="button"
          className="button quiet"
          onClick={() => {
            toast.action?.run();
            toasts.dismiss(toast.id);
          }}
        >
          {toast.action.label}
        </button>
      ) : null}
      <button
        type="button"
        className="icon-button"
        aria-label="Dismiss"
        title="Dismiss"
        onClick={() => toasts.dismiss(toast.id)}
      >
        <Glyph name="close" size={13} />
      </button>
    </div>
  );
}

/** The place of toasts, once on a page. One that is pointed at or focused stays. */
export function Toasts(): ReactElement {
  const shown = useSyncExternalStore(toasts.subscribe, toasts.list);
  return (
    <section aria-label="Messages">
      <div className={styles.list}>
        {shown.map((toast) => (
          <ToastRow key={toast.id} toast={toast} />
        ))}
      </div>
    </section>
  );
}
