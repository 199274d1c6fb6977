import { useNavigate } from '@tanstack/react-router';
import { useState, type ReactElement } from 'react';
import { useCarried } from '../address/hooks';
import type { Summary } from '../api/dashboards';
import { Dialog } from '../design/Confirm';
import { ChoiceField, MultiChoiceField } from '../design/fields';
import { dashboardPath } from './path';
import { MOST_PLAYED, writePlaylist } from './playlist';

const EVERY = [
  ['10s', '10 seconds'],
  ['30s', '30 seconds'],
  ['1m', 'a minute'],
  ['5m', '5 minutes'],
] as const;

/** What is shown one after the other on a screen, and how long each. */
export default function PlayDialog({
  dashboards,
  onClose,
}: {
  dashboards: readonly Summary[];
  onClose: () => void;
}): ReactElement {
  const navigate = useNavigate();
  const carried = useCarried({});
  const [uids, setUids] = useState<readonly string[]>(() =>
    dashboards.slice(0, MOST_PLAYED).map(({ uid }) => uid),
  );
  const [every, setEvery] = useState('30s');
  const play = (): void => {
    const [first = ''] = uids;
    const { tenant, zone } = carried;
    void navigate({ to: dashboardPath(first, ''), search: { tenant, zone, ...writePlaylist(uids, every) } });
  };
  return (
    <Dialog open onClose={onClose} title="Play">
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          play();
        }}
      >
        <p className="dim">
          One after the other, without the frame: for a screen on the wall. Its address can be kept.
        </p>
        <MultiChoiceField
          label="Dashboards"
          options={dashboards.map(({ uid, title, folder_title: folder }) => ({
            value: uid,
            label: title,
            note: folder,
          }))}
          values={uids}
          onChange={setUids}
        />
        <ChoiceField
          label="Each for"
          options={EVERY.map(([value, label]) => ({ value, label }))}
          value={every}
          onChange={(next) => setEvery(next ?? '30s')}
        />
        <div className="form-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={uids.length === 0}>
            Play
          </button>
        </div>
      </form>
    </Dialog>
  );
}
