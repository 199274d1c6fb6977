import { useState, type ReactElement } from 'react';
import type { Asking } from '../api/client';
import { summaries } from '../api/dashboards';
import { putReport, type Report } from '../api/reports';
import { useAsked } from '../api/useAsked';
import { Dialog } from '../design/Confirm';
import { ChoiceField, TextField } from '../design/fields';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { DAYS, EVERY, readTime, showsOf, THEMES, writeTime } from './schedule';

/** Makes a report, or changes one. */
export function ReportForm(props: {
  /** Null for a new one. */
  report: Report | null;
  receivers: readonly string[];
  asking: Asking;
  onClose: () => void;
}): ReactElement {
  const { report, receivers, asking, onClose } = props;
  const boards = useAsked({ key: ['report-boards'], ask: (one) => summaries({}, one), staleTime: 60_000 });
  const [name, setName] = useState(report?.name ?? '');
  const [uid, setUid] = useState<string | null>(report?.uid ?? null);
  const [receiver, setReceiver] = useState<string | null>(report?.receiver ?? receivers[0] ?? null);
  const [every, setEvery] = useState<string | null>(report?.every ?? 'week');
  const [weekday, setWeekday] = useState<string | null>(String(report?.weekday ?? 0));
  const [time, setTime] = useState(writeTime(report ?? { hour: 8, minute: 0 }));
  const [zone, setZone] = useState(report?.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
  const [start, setStart] = useState<string | null>(report?.start ?? 'now-7d');
  const [theme, setTheme] = useState<string | null>(report?.theme ?? 'light');
  const deed = useDeed();
  const at = readTime(time);
  const ready = name.trim() !== '' && uid !== null && receiver !== null && at !== null;
  const send = (): void => {
    if (!ready) return;
    const wanted = {
      uid,
      receiver,
      every: every ?? 'week',
      ...at,
      weekday: Number(weekday ?? 0),
      zone: zone.trim() || 'UTC',
      start: start ?? 'now-7d',
      end: report?.end ?? 'now',
      theme: theme ?? 'light',
      variables: report?.variables ?? {},
      paused: report?.paused ?? false,
      version: report?.version ?? 0,
    };
    void deed.run(() => putReport(name.trim(), wanted, asking)).then((done) => done && onClose());
  };
  return (
    <Dialog open onClose={onClose} title={report ? 'Change the report' : 'New report'} alert>
      <DeedForm deed={deed} action={report ? 'Save' : 'Create'} ready={ready} send={send} onCancel={onClose}>
        {report ? null : (
          <TextField
            label="Name"
            placeholder="weekly figures"
            maxLength={100}
            data-autofocus
            value={name}
            onChange={deed.edit(setName)}
          />
        )}
        <ChoiceField
          label="Dashboard"
          options={(boards.data?.dashboards ?? []).map((one) => ({ value: one.uid, label: one.title }))}
          value={uid}
          onChange={deed.edit(setUid)}
        />
        <ChoiceField
          label="Receiver"
          options={receivers.map((value) => ({ value }))}
          value={receiver}
          onChange={deed.edit(setReceiver)}
          hint="of those that are told by e-mail"
        />
        <ChoiceField label="Sent" options={EVERY} value={every} onChange={deed.edit(setEvery)} />
        {every === 'week' ? (
          <ChoiceField
            label="Day"
            options={DAYS.map((label, i) => ({ value: String(i), label }))}
            value={weekday}
            onChange={deed.edit(setWeekday)}
          />
        ) : null}
        <TextField
          label="Time"
          value={time}
          onChange={deed.edit(setTime)}
          error={at === null ? 'A time such as 08:30' : undefined}
        />
        <TextField label="Zone" value={zone} onChange={deed.edit(setZone)} />
        <ChoiceField
          label="It shows"
          options={showsOf(report)}
          value={start}
          onChange={deed.edit(setStart)}
        />
        <ChoiceField label="Colours" options={THEMES} value={theme} onChange={deed.edit(setTheme)} />
      </DeedForm>
    </Dialog>
  );
}
