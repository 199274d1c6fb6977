import { useEffect, useRef, type ReactPortal } from 'react';
import { createPortal } from 'react-dom';
import { Value } from '../design/Value';
import type { MadeLink } from './links';
import { PanelLink } from './PanelLink';
import styles from './panels.module.css';

export interface MenuAt {
  x: number;
  y: number;
  links: readonly MadeLink[];
}

/** The links of what was clicked, beside it. Escape and a click elsewhere close it. */
export function LinkMenu({ at, onClose }: { at: MenuAt | null; onClose: () => void }): ReactPortal | null {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (at === null) return undefined;
    box.current?.querySelector('a')?.focus();
    const away = (event: Event): void => {
      if (!(event.target instanceof Node && box.current?.contains(event.target))) onClose();
    };
    const key = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') onClose();
    };
    // The click that opened it is still under way.
    const timer = setTimeout(() => document.addEventListener('click', away));
    document.addEventListener('keydown', key);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('click', away);
      document.removeEventListener('keydown', key);
    };
  }, [at, onClose]);
  if (at === null) return null;
  // A panel clips what it holds.
  return createPortal(
    <div
      ref={box}
      className={styles.linkMenu}
      role="group"
      aria-label="Links"
      style={{
        left: Math.min(at.x, window.innerWidth - 260),
        top: Math.min(at.y, window.innerHeight - 40 * at.links.length),
      }}
    >
      {at.links.map((link, i) => (
        <PanelLink key={i} link={link}>
          <Value text={link.title} />
        </PanelLink>
      ))}
    </div>,
    document.body,
  );
}
