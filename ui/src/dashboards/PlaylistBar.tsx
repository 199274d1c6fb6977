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
  useEffect(() => {
    if (held || playlist.uids.length < 2) return undefined;
    const timer = setTimeout(() => go(1), playlist.everyMs);
    return () => clearTimeout(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- a dashboard's time begins when it is come to
  }, [held, uid, playlist.everyMs]);
  const place = playlist.uids.indexOf(uid) + 1;
  return (
    <div className={styles.bar} role="toolbar" aria-label="Playlist">
      <IconButton icon="chevronLeft" label="The one before" onClick={() => go(-1)} />
      <button type="button" className="plain" aria-pressed={held} onClick={() => setHeld(!held)}>
        {held ? 'held on' : `${place} of ${playlist.uids.length}`}
      </button>
      <IconButton icon="chevronRight" label="The next one" onClick={() => go(1)} />
      <IconButton
        icon={<Glyph name="close" size={14} />}
        label="End the playlist"
        onClick={() => void navigate({ to: PATHS.dashboards, search: kept })}
      />
    </div>
  );
}
