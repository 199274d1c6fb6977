import type { ReactElement } from 'react';
import { IconButton } from '../design/parts';

const CHOICES: readonly (readonly [number, string])[] = [
  [0, 'Off'],
  [5_000, '5 s'],
  [10_000, '10 s'],
  [30_000, '30 s'],
  [60_000, '1 min'],
  [300_000, '5 min'],
];

/** Pause, interval and "now": `refreshMs` 0 means paused. */
export function RefreshControl(props: {
  refreshMs: number;
  onChange: (ms: number) => void;
  onNow: () => void;
  busy: boolean;
}): ReactElement {
  const { refreshMs, onChange, onNow, busy } = props;
  const known = CHOICES.some(([ms]) => ms === refreshMs);
  const choices = known ? CHOICES : [...CHOICES, [refreshMs, `${refreshMs / 1000} s`] as const];
  return (
    <div className="row refresh">
      <IconButton icon="refresh" label="Refresh now (r)" onClick={onNow} spin={busy && refreshMs === 0} />
      <label className="row refresh-choice">
        <span className={refreshMs ? 'dot good' : 'dot'} />
        <select
          className="select"
          aria-label="Refresh by itself"
          value={refreshMs}
          onChange={(event) => onChange(Number(event.target.value))}
        >
          {choices.map(([ms, label]) => (
            <option key={ms} value={ms}>
              {ms === 0 ? 'Paused' : `Every ${label}`}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
