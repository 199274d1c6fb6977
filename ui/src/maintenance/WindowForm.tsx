import { useDebouncedValue } from '@mantine/hooks';
import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import type { SilenceMatcher } from '../api/alerting';
import type { AlertView } from '../api/alerts';
import { faultsOf, type Faults } from '../api/faults';
import { previewWindow, putWindow, type MaintenanceWindow, type WindowDocument } from '../api/holds';
import { useAsked } from '../api/useAsked';
import type { FormEnds } from '../definitions/Definitions';
import { ChoiceField, Field, MultiChoiceField, TextField } from '../design/fields';
import { labelNames } from '../design/filter';
import { formatInstant } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { Note } from '../design/parts';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { Hides } from '../silences/Hides';
import { Matchers } from '../silences/Matchers';
import { faultOf, readTexts, writeTexts } from '../silences/matchers';
import {
  DAY_NAMES,
  DAYS,
  KINDS,
  NTH_NAMES,
  NTHS,
  readRule,
  unitOf,
  writeRule,
  type Day,
  type Kind,
  type Recurrence,
} from './recurrence';
import styles from './maintenance.module.css';

const KIND_NAMES: Readonly<Record<Kind, string>> = {
  once: 'once',
  daily: 'daily',
  weekly: 'weekly',
  monthly: 'monthly, on the day of the first',
  nth: 'monthly, on a day of the week',
  yearly: 'yearly',
  rule: 'by a rule of recurrence',
};
/** Occurrences that are named in the preview. */
const NAMED = 5;
const FIELDS = ['starts', 'ends', 'zone', 'repeats', 'without', 'matchers', 'reason'] as const;

/** The wall clock of this browser `hours` after a time, to the whole hour. */
function wallClock(nowMs: number, hours: number): string {
  const at = new Date(Math.ceil(nowMs / 3_600_000) * 3_600_000 + hours * 3_600_000);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

function WallTime(props: {
  label: string;
  value: string;
  error: string | undefined;
  onChange: (value: string) => void;
}): ReactElement {
  return (
    <Field label={props.label} error={props.error} required>
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

function Again(props: {
  of: Recurrence;
  error: string | undefined;
  onChange: (next: Partial<Recurrence>) => void;
}): ReactElement {
  const { of, error, onChange } = props;
  const isRule = of.kind === 'rule';
  return (
    <>
      <ChoiceField
        label="Repeats"
        error={isRule ? undefined : error}
        options={KINDS.map((value) => ({ value, label: KIND_NAMES[value] }))}
        value={of.kind}
        onChange={(value) =>
          onChange({ kind: (KINDS as readonly (string | null)[]).includes(value) ? (value as Kind) : 'once' })
        }
      />
      {isRule ? (
        <TextField
          label="Rule"
          mono
          hint="As calendars have it: FREQ=MONTHLY;BYMONTHDAY=15"
          error={error}
          value={of.rule}
          onChange={(rule) => onChange({ rule })}
        />
      ) : null}
      {of.kind === 'weekly' ? (
        <fieldset className={styles.days}>
          <legend>On</legend>
          {DAYS.map((day) => (
            <label key={day}>
              <input
                type="checkbox"
                checked={of.days.includes(day)}
                onChange={() =>
                  onChange({
                    days: of.days.includes(day) ? of.days.filter((one) => one !== day) : [...of.days, day],
                  })
                }
              />
              {DAY_NAMES[day].slice(0, 3)}
            </label>
          ))}
        </fieldset>
      ) : null}
      {of.kind === 'nth' ? (
        <div className={styles.two}>
          <ChoiceField
            label="On the"
            options={NTHS.map((value) => ({ value, label: NTH_NAMES[value] ?? value }))}
            value={of.nth}
            onChange={(nth) => onChange({ nth: nth ?? '1' })}
          />
          <ChoiceField
            label="Day of the week"
            options={DAYS.map((value) => ({ value, label: DAY_NAMES[value] }))}
            value={of.day}
            onChange={(day) => onChange({ day: (day ?? 'MO') as Day })}
          />
        </div>
      ) : null}
      {of.kind === 'once' || isRule ? null : (
        <div className={styles.three}>
          <TextField
            label="Every"
            hint={unitOf(of.kind)}
            inputMode="numeric"
            value={of.every}
            onChange={(every) => onChange({ every })}
          />
          <TextField
            label="Last day"
            type="date"
            value={of.until}
            onChange={(until) => onChange({ until })}
          />
          <TextField
            label="Times"
            hint="at most"
            inputMode="numeric"
            value={of.times}
            onChange={(times) => onChange({ times })}
          />
        </div>
      )}
    </>
  );
}

/** What the window would do, as the server says it: asked once the fields are still. */
function usePreview(document: WindowDocument, whole: boolean) {
  const [settled] = useDebouncedValue(document, 300);
  return useAsked({
    key: ['window preview', whole ? JSON.stringify(settled) : ''],
    ask: (asking) =>
      whole ? previewWindow(settled, asking) : Promise.resolve({ occurrences: [], alerts: [], labels: {} }),
    keep: true,
    retry: false,
  });
}

function Times({ found }: { found: readonly { starts: string; ends: string }[] }): ReactElement {
  const { utc } = usePageClock();
  const minute = (text: string): string => formatInstant(Math.floor(Date.parse(text) / 60_000) * 60_000, utc);
  if (found.length === 0) return <p className="dim">It is not within the next 90 days.</p>;
  return (
    <section className={styles.times} aria-label="When it is">
      <b>When it is{utc ? ', in UTC' : ', on your clock'}:</b>
      <ul>
        {found.slice(0, NAMED).map(({ starts, ends }) => (
          <li key={starts}>
            {minute(starts)} to {minute(ends)}
          </li>
        ))}
      </ul>
      {found.length > NAMED ? <span className="dim">and so on</span> : null}
    </section>
  );
}

/** Makes or changes a maintenance window. Mounted when it opens. */
export function WindowForm(
  props: {
    /** Null for a new one. */
    kept: MaintenanceWindow | null;
    /** Alerts that there are, to be named and to take labels from. */
    known: readonly AlertView[];
  } & FormEnds,
): ReactElement {
  const { kept, known, onDone, onCancel } = props;
  const { tenant } = useAddress();
  const now = useNow(60_000);
  const own = readTexts(kept?.matchers ?? []);
  const [name, setName] = useState(kept?.name ?? '');
  const [starts, setStarts] = useState(() => kept?.starts.slice(0, 16) ?? wallClock(now, 0));
  const [ends, setEnds] = useState(() => kept?.ends.slice(0, 16) ?? wallClock(now, 2));
  const [zone, setZone] = useState(() => kept?.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
  const [again, setAgain] = useState(() => readRule(kept?.repeats ?? ''));
  const [without, setWithout] = useState<readonly string[]>(kept?.without ?? []);
  const [matchers, setMatchers] = useState<readonly SilenceMatcher[]>(
    kept === null ? [{ name: '', op: '=', value: '' }] : own.matchers,
  );
  const [reason, setReason] = useState(kept?.reason ?? '');
  const deed = useDeed();
  const repeats = writeRule(again);
  const texts = [...writeTexts(matchers), ...own.rest];
  const document: WindowDocument = {
    starts,
    ends,
    zone,
    repeats,
    without: repeats === '' ? [] : without,
    matchers: texts,
    reason: reason.trim(),
  };
  const unfit = own.rest.length > 0 && matchers.length === 0 ? null : faultOf(matchers);
  const whole = unfit === null && starts !== '' && ends !== '' && zone !== '';
  const preview = usePreview({ ...document, reason: document.reason || '-' }, whole);
  const said: Faults = faultsOf(deed.error ?? (whole ? preview.error : null));
  const rest = said.rest(...FIELDS);
  const days = (preview.data?.occurrences ?? []).map((one) => one.starts.slice(0, 10));
  const send = async (): Promise<void> => {
    const wanted = { ...document, version: kept?.version ?? 0 };
    if (await deed.run(() => putWindow(name.trim(), wanted, { tenant }))) onDone();
  };
  return (
    <DeedForm
      deed={deed}
      action={kept === null ? 'Make the window' : 'Change the window'}
      ready={whole && name.trim() !== '' && document.reason !== ''}
      fault={rest}
      send={send}
      onCancel={onCancel}
    >
      {kept === null ? (
        <TextField
          label="Name"
          required
          placeholder="database-updates"
          value={name}
          onChange={deed.edit(setName)}
          data-autofocus
        />
      ) : null}
      <div className={styles.two}>
        <WallTime label="Starts" value={starts} error={said.at('starts')} onChange={deed.edit(setStarts)} />
        <WallTime label="Ends" value={ends} error={said.at('ends')} onChange={deed.edit(setEnds)} />
      </div>
      <ChoiceField
        label="Time zone"
        hint="Both times are on the wall clock there, in summer and winter"
        error={said.at('zone')}
        free
        options={['UTC', ...Intl.supportedValuesOf('timeZone')].map((value) => ({ value }))}
        value={zone}
        onChange={deed.edit((value: string | null) => setZone(value ?? 'UTC'))}
      />
      <Again
        of={again}
        error={said.at('repeats')}
        onChange={(next) => {
          deed.clear();
          setAgain((was) => ({ ...was, ...next }));
        }}
      />
      {repeats === '' ? null : (
        <MultiChoiceField
          label="But not on"
          hint="Days on which it does not begin, as 2026-12-24"
          error={said.at('without')}
          free
          options={[...new Set(days)].map((value) => ({ value }))}
          values={without}
          onChange={deed.edit(setWithout)}
        />
      )}
      <Matchers
        matchers={matchers}
        names={labelNames(known)}
        error={said.at('matchers')}
        onChange={deed.edit(setMatchers)}
      />
      {own.rest.length > 0 ? (
        <Note level="info">
          These stay as they are: <code>{own.rest.join(', ')}</code>
        </Note>
      ) : null}
      {unfit === null ? null : <p className="dim">{unfit}</p>}
      {whole && preview.data && !preview.error ? (
        <>
          <Times found={preview.data.occurrences} />
          <Hides
            fingerprints={preview.data.alerts}
            labels={preview.data.labels}
            none="No alert that there is now would be held back in it."
            some="that there are now would be held back in it:"
          />
        </>
      ) : null}
      <TextField
        label="Reason"
        required
        placeholder="Updates of the database"
        error={said.at('reason')}
        value={reason}
        onChange={deed.edit(setReason)}
      />
    </DeedForm>
  );
}
