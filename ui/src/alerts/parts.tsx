import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import type { AlertView, Hold } from '../api/alerts';
import { acknowledge } from '../api/alerting';
import { ChoiceField, TextField } from '../design/fields';
import { Dialog } from '../design/Confirm';
import { formatAgo, formatInstant } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { StatusChip } from '../design/StatusChip';
import { Value } from '../design/Value';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { severityOf, SEVERITY, shownLabels, statusOf } from './alerts';
import styles from './alerts.module.css';

/** How long ago something was; the hover says when. */
export function Ago({ at }: { at: string }): ReactElement {
  const now = useNow(1_000);
  const { utc } = usePageClock();
  const ms = Date.parse(at);
  return (
    <span title={formatInstant(Math.floor(ms / 1000) * 1000, utc)} className={styles.nowrap}>
      {formatAgo(ms, now)}
    </span>
  );
}

/** How bad an alert is, in the rule's own word. */
export function SeverityChip({ alert }: { alert: AlertView }): ReactElement {
  const word = alert.labels[SEVERITY];
  return (
    <StatusChip status={severityOf(alert.labels)}>
      {word === undefined ? 'no severity' : <Value text={word} />}
    </StatusChip>
  );
}

const HELD: Readonly<Record<string, string>> = {
  silenced: 'by a silence',
  inhibited: 'by another alert',
  muted: 'by the calendar',
  maintenance: 'by maintenance',
  dependency: 'by what it depends on',
};

function saidOf({ reason, source, alert }: Hold): string {
  return `${reason}: ${shownLabels(alert) || source}`;
}

/** How it stands with an alert, and whose doing that is. */
export function StateChip({ alert }: { alert: AlertView }): ReactElement {
  const { acknowledgement: taken, held_by: holds, state } = alert;
  const [first] = holds;
  return (
    <span className={styles.state}>
      <StatusChip status={statusOf(alert)}>{state}</StatusChip>
      {state === 'acknowledged' && taken ? (
        <span className="dim">
          by <Value text={taken.by} />
        </span>
      ) : null}
      {first && state !== 'acknowledged' ? (
        <span className="dim" title={holds.map(saidOf).join('\n')}>
          {HELD[first.reason] ?? first.reason}
          {holds.length > 1 ? ` and ${holds.length - 1} more` : ''}
        </span>
      ) : null}
    </span>
  );
}

const LASTS: readonly (readonly [string, number])[] = [
  ['30 minutes', 1_800],
  ['1 hour', 3_600],
  ['4 hours', 14_400],
  ['a day', 86_400],
];
const WHILE = 'as long as it fires';

/** Takes alerts on: others see who does, and repeats stop. Mounted when it opens. */
export function Acknowledge(props: {
  alerts: readonly AlertView[];
  onClose: () => void;
  onDone: () => void;
}): ReactElement {
  const { alerts, onClose, onDone } = props;
  const { tenant } = useAddress();
  const [comment, setComment] = useState('');
  const [lasts, setLasts] = useState<string>(WHILE);
  const deed = useDeed();
  const what =
    alerts.length === 1 ? (alerts[0]?.labels['alertname'] ?? 'the alert') : `${alerts.length} alerts`;
  const send = async (): Promise<void> => {
    const seconds = LASTS.find(([name]) => name === lasts)?.[1];
    const until = seconds === undefined ? null : new Date(Date.now() + seconds * 1000).toISOString();
    const fingerprints = alerts.map(({ fingerprint }) => fingerprint);
    const done = await deed.run(() =>
      acknowledge({ fingerprints, comment: comment.trim(), until }, { tenant }),
    );
    if (done) onDone();
  };
  return (
    <Dialog open onClose={onClose} title={`Acknowledge ${what}`}>
      <DeedForm deed={deed} action="Acknowledge" send={send} onCancel={onClose}>
        <p className="dim">
          Everybody sees that you see to it. Repeats and escalation stop; what is new is told, and when it is
          over too.
        </p>
        <TextField
          label="Comment"
          placeholder="What you are doing about it"
          value={comment}
          onChange={setComment}
          data-autofocus
        />
        <ChoiceField
          label="For"
          options={[{ value: WHILE }, ...LASTS.map(([value]) => ({ value }))]}
          value={lasts}
          onChange={(value) => setLasts(value ?? WHILE)}
        />
      </DeedForm>
    </Dialog>
  );
}
