import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { define, override, type Kind, type Version } from '../api/oncall';
import type { Json } from '../api/governance';
import { Dialog } from '../design/Confirm';
import { ChoiceField, TextAreaField, TextField } from '../design/fields';
import { formatInstant } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { DateTimeField } from '../time/DateTimeField';
import { parseTime } from '../time/range';
import { namesIn, nextMonday, simpleSchedule } from './lanes';

/** People who take turns, by days or weeks. Mounted when it opens. */
export function NewSchedule({ onClose }: { onClose: () => void }): ReactElement {
  const { tenant } = useAddress();
  const now = useNow(60_000);
  const [name, setName] = useState('');
  const [people, setPeople] = useState('');
  const [unit, setUnit] = useState<'day' | 'week'>('week');
  const [zone, setZone] = useState(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
  const [starts, setStarts] = useState(() => nextMonday(now));
  const deed = useDeed();
  const turns = namesIn(people);
  const send = async (): Promise<void> => {
    const document = simpleSchedule({ people: turns, unit, starts, zone }) as Record<string, Json>;
    if (await deed.run(() => define('schedules', name.trim(), document, 0, { tenant }))) onClose();
  };
  return (
    <Dialog open onClose={onClose} title="New schedule">
      <DeedForm
        deed={deed}
        action="Make the schedule"
        ready={name.trim() !== '' && turns.length > 0}
        send={send}
        onCancel={onClose}
      >
        <TextField label="Name" required value={name} onChange={setName} data-autofocus />
        <TextAreaField
          label="People"
          required
          hint="In the order of their turns, one a line, by the names of their accounts"
          value={people}
          onChange={setPeople}
        />
        <ChoiceField
          label="They change every"
          options={[{ value: 'week' }, { value: 'day' }]}
          value={unit}
          onChange={(value) => setUnit(value === 'day' ? 'day' : 'week')}
        />
        <TextField
          label="First turn begins"
          mono
          hint="On the wall clock of the time zone"
          value={starts}
          onChange={setStarts}
        />
        <TextField label="Time zone" mono value={zone} onChange={setZone} />
      </DeedForm>
    </Dialog>
  );
}

/** Somebody stands in for a time. Mounted when it opens. */
export function NewOverride({
  schedule,
  people,
  onClose,
}: {
  schedule: string;
  people: readonly string[];
  onClose: () => void;
}): ReactElement {
  const { tenant } = useAddress();
  const { utc } = usePageClock();
  const now = useNow(60_000);
  const [who, setWho] = useState<string | null>(null);
  const [reason, setReason] = useState('');
  const [from, setFrom] = useState(() => formatInstant(Math.ceil(now / 3_600_000) * 3_600_000, utc));
  const [to, setTo] = useState(() => formatInstant(Math.ceil(now / 3_600_000) * 3_600_000 + 28_800_000, utc));
  const deed = useDeed();
  const [fromMs, toMs] = [parseTime(from, now, utc), parseTime(to, now, utc)];
  const fits = fromMs !== null && toMs !== null && toMs > fromMs;
  const send = async (): Promise<void> => {
    if (who === null || !fits) return;
    const span = { start: new Date(fromMs).toISOString(), end: new Date(toMs).toISOString() };
    const wanted = { ...span, people: [who], reason: reason.trim() };
    if (await deed.run(() => override(schedule, wanted, { tenant }))) onClose();
  };
  return (
    <Dialog open onClose={onClose} title={`Stand in: ${schedule}`}>
      <DeedForm deed={deed} action="Stand in" ready={who !== null && fits} send={send} onCancel={onClose}>
        <ChoiceField
          label="Who"
          required
          free
          options={people.map((value) => ({ value }))}
          value={who}
          onChange={setWho}
        />
        <DateTimeField label="From" text={from} onChange={setFrom} nowMs={now} />
        <DateTimeField
          label="Until"
          text={to}
          onChange={setTo}
          nowMs={now}
          error={fromMs !== null && toMs !== null && !fits ? 'It ends before it begins' : undefined}
        />
        <TextField label="Reason" value={reason} onChange={setReason} />
      </DeedForm>
    </Dialog>
  );
}

const EXAMPLES: Readonly<Record<Kind, Readonly<Record<string, Json>>>> = {
  schedules: {
    time_zone: 'UTC',
    layers: [{ name: 'rotation', people: ['ada', 'grace'], unit: 'week', starts: '2026-01-05T09:00:00' }],
  },
  escalation_policies: {
    severities: ['critical'],
    levels: [
      { name: 'on call', targets: [{ schedule: 'primary' }], timeout: '5m' },
      { name: 'lead', targets: [{ person: 'grace' }], timeout: '15m' },
    ],
    repeat: 1,
  },
};

/** A whole definition as text, for all that forms do not have. Mounted when it opens. */
export function EditDefinition(props: {
  kind: Kind;
  /** Null for a new one. */
  version: Version | null;
  onClose: () => void;
}): ReactElement {
  const { kind, version, onClose } = props;
  const { tenant } = useAddress();
  const [name, setName] = useState(version?.name ?? '');
  const [text, setText] = useState(() => JSON.stringify(version?.document ?? EXAMPLES[kind], null, 2));
  const [wrong, setWrong] = useState<string | null>(null);
  const deed = useDeed();
  const send = async (): Promise<void> => {
    let document: unknown;
    try {
      document = JSON.parse(text);
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
      return;
    }
    setWrong(null);
    const kept = document as Record<string, Json>;
    if (await deed.run(() => define(kind, name.trim(), kept, version?.version ?? 0, { tenant }))) onClose();
  };
  const what = kind === 'schedules' ? 'schedule' : 'escalation policy';
  return (
    <Dialog open onClose={onClose} title={version ? `${what}: ${version.name}` : `New ${what}`}>
      <DeedForm deed={deed} action="Keep it" ready={name.trim() !== ''} send={send} onCancel={onClose}>
        {version ? null : <TextField label="Name" required value={name} onChange={setName} data-autofocus />}
        <TextAreaField
          label="Definition (JSON)"
          rows={18}
          value={text}
          onChange={setText}
          error={wrong ?? undefined}
        />
      </DeedForm>
    </Dialog>
  );
}
