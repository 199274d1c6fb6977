import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { faultsOf, type Faults } from '../api/faults';
import { define, type Version } from '../api/oncall';
import { Drawer } from '../design/Drawer';
import { CheckField, ChoiceField, Field, TextAreaField, TextField } from '../design/fields';
import { useNow } from '../design/hooks';
import { IconButton, Note } from '../design/parts';
import { Value } from '../design/Value';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { nextMonday } from './lanes';
import {
  blankLayer,
  DAYS,
  scheduleDraftOf,
  scheduleOf,
  UNITS,
  type DraftLayer,
  type DraftWindow,
} from './schedule';
import styles from './oncall.module.css';

const ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone')].map((value) => ({ value }));
const PARTS = [
  'name',
  'people',
  'starts',
  'ends',
  'every',
  'unit',
  'windows',
  'time_zone',
  'calendar',
] as const;

function Hours(props: {
  windows: readonly DraftWindow[];
  of: string;
  error: string | undefined;
  onChange: (windows: readonly DraftWindow[]) => void;
}): ReactElement {
  const { windows, of, error, onChange } = props;
  const set = (at: number, next: Partial<DraftWindow>): void =>
    onChange(windows.map((one, i) => (i === at ? { ...one, ...next } : one)));
  return (
    <fieldset className={styles.hours}>
      <legend>Only in these hours; without any, always</legend>
      {windows.map((one, i) => (
        <div className={styles.window} key={i}>
          {DAYS.map((day) => (
            <label key={day}>
              <input
                type="checkbox"
                aria-label={`${day} in hours ${i + 1} of ${of}`}
                checked={one.days.includes(day)}
                onChange={() =>
                  set(i, {
                    days: one.days.includes(day) ? one.days.filter((two) => two !== day) : [...one.days, day],
                  })
                }
              />
              {day}
            </label>
          ))}
          <input
            type="time"
            className="field"
            aria-label={`Begin of hours ${i + 1} of ${of}`}
            value={one.start}
            onChange={(event) => set(i, { start: event.target.value })}
          />
          <span>to</span>
          <input
            type="time"
            className="field"
            aria-label={`End of hours ${i + 1} of ${of}`}
            value={one.end}
            onChange={(event) => set(i, { end: event.target.value })}
          />
          <IconButton
            icon="close"
            label={`Remove hours ${i + 1} of ${of}`}
            onClick={() => onChange(windows.filter((_, at) => at !== i))}
          />
        </div>
      ))}
      {error === undefined ? null : <Note level="bad">{error}</Note>}
      <div>
        <button
          type="button"
          className="button quiet"
          aria-label={`Add hours to ${of}`}
          onClick={() => onChange([...windows, { days: DAYS, start: '09:00', end: '17:00' }])}
        >
          Add hours
        </button>
      </div>
    </fieldset>
  );
}

function WallTime(props: {
  label: string;
  value: string;
  error: string | undefined;
  onChange: (value: string) => void;
}): ReactElement {
  return (
    <Field label={props.label} error={props.error}>
      {({ id, describedBy, invalid }) => (
        <input
          id={id}
          type="datetime-local"
          className="field"
          aria-invalid={invalid}
          aria-describedby={describedBy}
          value={props.value}
          onChange={(event) => props.onChange(event.target.value)}
        />
      )}
    </Field>
  );
}

function LayerFields(props: {
  layer: DraftLayer;
  at: number;
  said: Faults;
  onChange: (next: Partial<DraftLayer>) => void;
  onRemove: (() => void) | null;
  onRaise: (() => void) | null;
}): ReactElement {
  const { layer, at, said, onChange, onRemove, onRaise } = props;
  const fault = (part: string): string | undefined => said.at(`layers[${at}].${part}`);
  const of = `layer ${at + 1}`;
  return (
    <fieldset className={styles.layer} aria-label={`Layer ${at + 1}`}>
      <div className="row">
        <b>Layer {at + 1}</b>
        <span className="grow" />
        {onRaise ? (
          <button type="button" className="button quiet" onClick={onRaise} aria-label={`Put ${of} later`}>
            Later
          </button>
        ) : null}
        {onRemove ? <IconButton icon="close" label={`Remove ${of}`} onClick={onRemove} /> : null}
      </div>
      <TextField
        label={`Name of ${of}`}
        required
        error={fault('name')}
        value={layer.name}
        onChange={(name) => onChange({ name })}
      />
      <CheckField
        label="A calendar says who, instead of turns"
        checked={layer.isCalendar}
        onChange={(isCalendar) => onChange({ isCalendar })}
      />
      {layer.isCalendar ? (
        <TextAreaField
          label={`Calendar of ${of}`}
          rows={5}
          hint="iCalendar: attendees of an event, or whoever it is called after, are on call during it"
          error={fault('calendar')}
          value={layer.calendar}
          onChange={(calendar) => onChange({ calendar })}
        />
      ) : (
        <>
          <TextAreaField
            label={`People of ${of}`}
            required
            hint="In the order of their turns, one a line; with commas between, they are on call together"
            error={fault('people')}
            value={layer.people}
            onChange={(people) => onChange({ people })}
          />
          <div className={styles.two}>
            <TextField
              label={`They change every (${of})`}
              inputMode="numeric"
              error={fault('every')}
              value={layer.every}
              onChange={(every) => onChange({ every })}
            />
            <ChoiceField
              label={`Hours, days or weeks (${of})`}
              options={UNITS.map((value) => ({ value, label: `${value}s` }))}
              error={fault('unit')}
              value={layer.unit}
              onChange={(unit) => onChange({ unit: unit ?? 'week' })}
            />
          </div>
          <WallTime
            label={`First hand-over of ${of}`}
            error={fault('starts')}
            value={layer.starts}
            onChange={(starts) => onChange({ starts })}
          />
        </>
      )}
      <WallTime
        label={`End of ${of}`}
        error={fault('ends')}
        value={layer.ends}
        onChange={(ends) => onChange({ ends })}
      />
      <Hours
        windows={layer.windows}
        of={of}
        error={fault('windows')}
        onChange={(windows) => onChange({ windows })}
      />
      <ChoiceField
        label={`Time zone of ${of}`}
        clearable
        free
        placeholder="that of the schedule"
        options={ZONES}
        error={fault('time_zone')}
        value={layer.zone === '' ? null : layer.zone}
        onChange={(zone) => onChange({ zone: zone ?? '' })}
      />
      {said.at(`layers[${at}]`) !== undefined && PARTS.every((part) => fault(part) === undefined) ? (
        <Note level="bad">{said.at(`layers[${at}]`)}</Note>
      ) : null}
    </fieldset>
  );
}

/** Changes a schedule, layer by layer. Mounted when it opens. */
export function ScheduleForm({ version, onClose }: { version: Version; onClose: () => void }): ReactElement {
  const { tenant } = useAddress();
  const now = useNow(60_000);
  const [draft, setDraft] = useState(() => scheduleDraftOf(version.document ?? {}));
  const deed = useDeed();
  const said = faultsOf(deed.error);
  const rest =
    said.rest('layers', 'time_zone', 'description') ?? (draft.layers.length === 0 ? said.at('layers') : null);
  const set = (next: Partial<typeof draft>): void => {
    deed.clear();
    setDraft((was) => ({ ...was, ...next }));
  };
  const { layers } = draft;
  const change = (id: number, next: Partial<DraftLayer>): void =>
    set({ layers: layers.map((one) => (one.id === id ? { ...one, ...next } : one)) });
  const later = (at: number): void => {
    const [before, one, next, after] = [
      layers.slice(0, at),
      layers[at],
      layers[at + 1],
      layers.slice(at + 2),
    ];
    if (one && next) set({ layers: [...before, next, one, ...after] });
  };
  const send = async (): Promise<void> => {
    const document = scheduleOf(draft);
    if (await deed.run(() => define('schedules', version.name, document, version.version, { tenant })))
      onClose();
  };
  return (
    <Drawer
      open
      onClose={onClose}
      title={
        <>
          Schedule <Value text={version.name} />
        </>
      }
    >
      <DeedForm deed={deed} action="Change the schedule" fault={rest} send={send} onCancel={onClose}>
        <ChoiceField
          label="Time zone"
          free
          options={ZONES}
          error={said.at('time_zone')}
          value={draft.zone}
          onChange={(zone) => set({ zone: zone ?? 'UTC' })}
        />
        <TextField
          label="Description"
          error={said.at('description')}
          value={draft.description}
          onChange={(description) => set({ description })}
        />
        <p className="dim">Of the layers that have somebody at a time, the last one counts.</p>
        {layers.map((layer, at) => (
          <LayerFields
            key={layer.id}
            layer={layer}
            at={at}
            said={said}
            onChange={(next) => change(layer.id, next)}
            onRemove={
              layers.length > 1 ? () => set({ layers: layers.filter(({ id }) => id !== layer.id) }) : null
            }
            onRaise={at < layers.length - 1 ? () => later(at) : null}
          />
        ))}
        <div>
          <button
            type="button"
            className="button quiet"
            onClick={() =>
              set({
                layers: [
                  ...layers,
                  blankLayer(1 + Math.max(-1, ...layers.map(({ id }) => id)), nextMonday(now).slice(0, 16)),
                ],
              })
            }
          >
            Add a layer
          </button>
        </div>
      </DeedForm>
    </Drawer>
  );
}
