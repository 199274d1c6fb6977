import type { ReactElement } from 'react';
import { MultiChoiceField, TextAreaField, TextField } from '../../design/fields';
import { parseDuration, resolveRange, type TimeRange } from '../../time/range';
import type { Settings } from './definitions';
import { CheckedField, Section, Select, Side } from './parts';

const ZONES = [
  ['', 'the reader’s own'],
  ['browser', 'the browser’s'],
  ['utc', 'UTC'],
] as const;
const TOOLTIPS = [
  ['none', 'each panel alone'],
  ['crosshair', 'a shared crosshair'],
  ['all', 'a shared crosshair and tooltip'],
] as const;
const REFRESHES = ['', '5s', '10s', '30s', '1m', '5m', '15m', '1h'];

function zonesWith(zone: string): readonly (readonly [string, string])[] {
  return ZONES.some(([id]) => id === zone) ? ZONES : [...ZONES, [zone, zone]];
}

/** What a dashboard is called, and how it opens. */
export function General(props: {
  settings: Settings;
  /** What is looked at now. */
  range: TimeRange;
  onChange: (settings: Partial<Settings>) => void;
}): ReactElement {
  const { settings, range, onChange } = props;
  const { time } = settings;
  const timeFault = (next: TimeRange): string | null => {
    const read = resolveRange(next, Date.now(), true);
    return typeof read === 'string' ? read : null;
  };
  return (
    <div className="form">
      <CheckedField
        label="Title"
        value={settings.title}
        faultOf={(text) => (text.trim() === '' ? 'A dashboard has a title' : null)}
        onChange={(title) => onChange({ title })}
      />
      <TextAreaField
        label="Description"
        rows={2}
        value={settings.description}
        onChange={(description) => onChange({ description })}
      />
      <MultiChoiceField
        label="Tags"
        free
        options={[]}
        values={settings.tags}
        placeholder="type one, then Enter"
        onChange={(tags) => onChange({ tags: [...tags] })}
      />
      <Section title="How it opens">
        <Side>
          <CheckedField
            label="From"
            value={time.from}
            faultOf={(from) => timeFault({ from, to: time.to })}
            onChange={(from) => onChange({ time: { ...time, from } })}
          />
          <CheckedField
            label="To"
            value={time.to}
            faultOf={(to) => timeFault({ from: time.from, to })}
            onChange={(to) => onChange({ time: { ...time, to } })}
          />
        </Side>
        <div>
          <button
            type="button"
            className="button"
            disabled={range.from === time.from && range.to === time.to}
            onClick={() => onChange({ time: { from: range.from, to: range.to } })}
          >
            Take the time shown now
          </button>
        </div>
        <Side>
          <TextField
            label="Refreshed every"
            list="refreshes"
            placeholder="never"
            value={settings.refresh}
            error={
              settings.refresh === '' || parseDuration(settings.refresh) !== null
                ? undefined
                : 'A duration, such as 30s'
            }
            onChange={(refresh) => onChange({ refresh })}
          />
          <Select
            label="Time zone"
            value={settings.timezone}
            choices={zonesWith(settings.timezone)}
            onChange={(timezone) => onChange({ timezone })}
          />
          <Select
            label="Crosshair"
            value={settings.tooltip}
            choices={TOOLTIPS}
            onChange={(tooltip) => onChange({ tooltip: tooltip as Settings['tooltip'] })}
          />
        </Side>
        <datalist id="refreshes">
          {REFRESHES.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      </Section>
    </div>
  );
}
