import { useDebouncedValue } from '@mantine/hooks';
import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import type { AlertView } from '../api/alerts';
import { previewSilence, putSilence, type SilenceMatcher } from '../api/alerting';
import { useAsked } from '../api/useAsked';
import { ChoiceField, TextField } from '../design/fields';
import { labelNames } from '../design/filter';
import { formatInstant } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { Note } from '../design/parts';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { DateTimeField } from '../time/DateTimeField';
import { parseTime } from '../time/range';
import { Hides } from './Hides';
import { Matchers } from './Matchers';
import { faultOf, writeMatchers } from './matchers';

const LASTS: readonly (readonly [string, number])[] = [
  ['1 hour', 3_600_000],
  ['2 hours', 7_200_000],
  ['8 hours', 28_800_000],
  ['a day', 86_400_000],
  ['a week', 604_800_000],
];
const CHOSEN = 'until a time';

/** Which alerts the matchers would hide now, as the server says it. */
function Preview({ matchers }: { matchers: readonly SilenceMatcher[] }): ReactElement {
  const [settled] = useDebouncedValue(matchers, 250);
  const fault = faultOf(settled);
  const answer = useAsked({
    key: ['silence preview', fault === null ? writeMatchers(settled) : ''],
    ask: (asking) =>
      fault === null ? previewSilence(settled, asking) : Promise.resolve({ alerts: [], labels: {} }),
    keep: true,
  });
  if (fault !== null) return <p className="dim">{fault}</p>;
  if (answer.error) return <Note level="bad">What it hides cannot be told: {answer.error.message}</Note>;
  if (!answer.data) return <p className="dim">Looking which alerts that are…</p>;
  return <Hides fingerprints={answer.data.alerts} labels={answer.data.labels} />;
}

/** What a new silence begins with. */
export interface Draft {
  /** Of the silence that is changed. */
  id?: string;
  matchers: readonly SilenceMatcher[];
  comment: string;
  endsMs: number | null;
}

/** Makes or changes a silence. Mounted when it opens. */
export function SilenceForm(props: {
  draft: Draft;
  /** Alerts that there are, to be named and to take labels from. */
  known: readonly AlertView[];
  onDone: () => void;
  onCancel: () => void;
}): ReactElement {
  const { draft, known, onDone, onCancel } = props;
  const { tenant } = useAddress();
  const { utc } = usePageClock();
  const now = useNow(10_000);
  const [matchers, setMatchers] = useState(draft.matchers);
  const [comment, setComment] = useState(draft.comment);
  const [lasts, setLasts] = useState(draft.endsMs === null ? '2 hours' : CHOSEN);
  const [typed, setTyped] = useState(() =>
    formatInstant(Math.ceil((draft.endsMs ?? now + 7_200_000) / 60_000) * 60_000, utc),
  );
  const chosenMs = parseTime(typed, now, utc) ?? 0;
  const deed = useDeed();
  const names = labelNames(known);
  const spanMs = LASTS.find(([name]) => name === lasts)?.[1];
  const endsMs = spanMs === undefined ? chosenMs : now + spanMs;
  const fault = faultOf(matchers);
  const late = endsMs <= now ? 'It ends before it begins.' : null;
  const send = async (): Promise<void> => {
    const starts = new Date().toISOString();
    const ends = new Date(spanMs === undefined ? chosenMs : Date.now() + spanMs).toISOString();
    const silence = {
      matchers,
      starts,
      ends,
      comment: comment.trim(),
      ...(draft.id ? { id: draft.id } : {}),
    };
    const made = await deed.run(() => putSilence(silence, { tenant }));
    if (made) onDone();
  };
  return (
    <DeedForm
      deed={deed}
      action={draft.id ? 'Change the silence' : 'Silence'}
      ready={fault === null && late === null && comment.trim() !== ''}
      send={send}
      onCancel={onCancel}
    >
      <Matchers matchers={matchers} names={names} onChange={setMatchers} />
      <Preview matchers={matchers} />
      <ChoiceField
        label="For"
        hint={late ?? `Ends ${formatInstant(Math.floor(endsMs / 60_000) * 60_000, utc)}`}
        options={[...LASTS.map(([value]) => ({ value })), { value: CHOSEN }]}
        value={lasts}
        onChange={(value) => setLasts(value ?? '2 hours')}
      />
      {lasts === CHOSEN ? <DateTimeField label="Ends" text={typed} onChange={setTyped} nowMs={now} /> : null}
      <TextField
        label="Reason"
        data-autofocus
        required
        placeholder="Why nobody needs to be told"
        value={comment}
        onChange={setComment}
      />
    </DeedForm>
  );
}
