import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { PATHS } from '../address/places';
import { Glyph } from '../design/Glyph';
import { IconButton } from '../design/IconButton';
import { dashboardPath } from './path';
import { neighbour, type Playlist } from './playlist';
import styles from './playlist.module.css';

/** Goes from one dashboard of a playlist to the next; a bar in the corner holds it on, and ends it. */
export default function PlaylistBar({ uid, playlist }: { uid: string; playlist: Playlist }): ReactElement {
  const { search } = useAddress();
  const navigate = useNavigate();
  const [held, setHeld] = useState(false);
  const { tenant, zone, refresh, playlist: uids, every, kiosk } = search;
  // Each opens with its own time and variables.
  const kept = { tenant, zone, refresh };
  const go = (by: 1 | -1): void =>
    void navigate({
      to: dashboardPath(neighbour(playlist, uid, by), ''),
      search: { ...kept, playlist: uids, every, kiosk },
      replace: true,
    });
  const leave = (): void =>
    void navigate({
      to: '.',
      search: { ...search, playlist: undefined, every: undefined, kiosk: undefined },
    });
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const { target, key, ctrlKey, metaKey, altKey } = event;
      // What has the focus takes its own keys, as does a dialog.
      const mine =
        target instanceof Element && (target === document.body || target.closest('[data-playlist]'));
      if (ctrlKey || metaKey || altKey || document.querySelector('[role="dialog"]')) return;
      if (key === 'Escape') leave();
      else if (mine && key === 'ArrowRight') go(1);
      else if (mine && key === 'ArrowLeft') go(-1);
      else if (target === document.body && key === ' ') setHeld(!held);
      else return;
      event.preventDefault();
      // Of the page's own Escape the playlist would remain.
      event.stopPropagation();
    };
    document.addEventListener('keydown', onKey, { capture: true });
    return () => document.removeEventListener('keydown', onKey, { capture: true });
  });
  useEffect(() => {
    if (held || playlist.uids.length < 2) return undefined;
    const timer = setTimeout(() => go(1), playlist.everyMs);
    return () => clearTimeout(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- a dashboard's time begins when it is come to
  }, [held, uid, playlist.everyMs]);
  const place = playlist.uids.indexOf(uid) + 1;
  return (
    <div className={styles.bar} role="toolbar" aria-label="Playlist" data-playlist="" data-held={held}>
      <IconButton icon="chevronLeft" label="The one before (←)" onClick={() => go(-1)} />
      <span aria-live="off">{`${place} of ${playlist.uids.length}`}</span>
      <button
        type="button"
        className="plain"
        aria-pressed={held}
        title="Pause (Space)"
        onClick={() => setHeld(!held)}
      >
        {held ? 'Paused' : 'Pause'}
      </button>
      <IconButton icon="chevronRight" label="The next one (→)" onClick={() => go(1)} />
      <IconButton
        icon={<Glyph name="close" size={14} />}
        label="End the playlist (Escape stays here)"
        onClick={() => void navigate({ to: PATHS.dashboards, search: kept })}
      />
    </div>
  );
}
