import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { controlRun, flowControls, flowHooks, type FlowControl } from '../api/flows';
import type { RunSummary } from '../api/runs';
import { useAsked } from '../api/useAsked';
import { Button } from '../design/Button';
import { Dialog } from '../design/Confirm';
import { TextField } from '../design/fields';
import { formatAgo } from '../design/format';
import { useNow } from '../design/hooks';
import { StatusChip } from '../design/StatusChip';
import { toasts } from '../design/toasts';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { DeedForm } from '../session/DeedForm';
import { useMay } from '../session/session';
import { useDeed } from '../session/useDeed';
import { ACTIONS, actionsIn, actionsOf, outcomeText, randomKey, refusal, type RunAction } from './control';
import { Card } from './parts';
import styles from './run.module.css';

function Ask(props: { run: RunSummary; action: RunAction; onClose: () => void }): ReactElement {
  const { run, action, onClose } = props;
  const { tenant } = useAddress();
  const deed = useDeed();
  const [reason, setReason] = useState('');
  // Pressing twice, or again after an answer that was lost, asks the engine once.
  const [key] = useState(randomKey);
  const { name, says } = ACTIONS[action];
  const send = async (): Promise<void> => {
    const done = await deed.run(() =>
      controlRun(action, { runId: run.run_id, reason: reason.trim(), key }, { tenant }),
    );
    if (!done) return;
    const { status, message } = done.done;
    const level = status === 'refused' || status === 'failed' || status === 'expired' ? 'warning' : 'ok';
    toasts.show({ level, text: outcomeText(action, status, visibleText(message)) });
    onClose();
  };
  return (
    <Dialog open onClose={onClose} title={`${name} this run`}>
      <DeedForm deed={deed} action={name} send={send} onCancel={onClose}>
        <p>
          <Value text={run.run_id} mono /> of <Value text={run.workflow} />. {says}
        </p>
        <TextField
          label="Reason"
          placeholder="For whoever looks at it later"
          value={reason}
          onChange={deed.edit(setReason)}
          data-autofocus
        />
      </DeedForm>
    </Dialog>
  );
}

/** The buttons of a run; those that cannot be pressed say why. */
export function Controls({ run }: { run: RunSummary }): ReactElement {
  const may = useMay();
  const [asking, setAsking] = useState<RunAction | null>(null);
  const hooks = useAsked({ key: ['flow hooks'], ask: flowHooks, staleTime: 60_000, retry: false });
  const listens = hooks.data === undefined ? null : actionsOf(hooks.data, run.workflow);
  // Until it is known whether anybody listens there is nothing to press.
  if (hooks.isPending || hooks.error) return <></>;
  return (
    <>
      {actionsIn(run.state).map((action) => {
        const why = refusal(action, listens, may);
        return (
          <Button key={action} whyNot={why} title={ACTIONS[action].says} onClick={() => setAsking(action)}>
            {ACTIONS[action].name}
          </Button>
        );
      })}
      {asking === null ? null : <Ask run={run} action={asking} onClose={() => setAsking(null)} />}
    </>
  );
}

const STATUS = {
  waiting: 'pending',
  sent: 'pending',
  accepted: 'info',
  done: 'ok',
  refused: 'warning',
  failed: 'critical',
  expired: 'warning',
} as const;

function Line({ control, nowMs }: { control: FlowControl; nowMs: number }): ReactElement {
  return (
    <li>
      <span className="row wrap">
        <StatusChip status={STATUS[control.status]}>{control.status}</StatusChip>
        <b>{control.action}</b>
        <span className="dim">
          by <Value text={control.by} />, {formatAgo(control.asked_ms, nowMs)}
        </span>
      </span>
      {control.reason === '' ? null : <Value text={control.reason} />}
      {control.message === '' ? null : (
        <span className="dim">
          <Value text={control.message} />
        </span>
      )}
    </li>
  );
}

/** What the run's engine was asked for; nothing where nobody asked. */
export function ControlStory({
  run,
  refreshMs,
}: {
  run: RunSummary;
  refreshMs: number;
}): ReactElement | null {
  const now = useNow(5_000);
  const answer = useAsked({
    key: ['flow controls', run.run_id],
    ask: (asking) => flowControls({ run_id: run.run_id }, asking),
    refreshMs,
    retry: false,
  });
  if (answer.data === undefined || answer.data.length === 0) return null;
  return (
    <Card title="What its engine was asked for">
      <ul className={styles.tries}>
        {answer.data.map((control) => (
          <Line key={control.id} control={control} nowMs={now} />
        ))}
      </ul>
    </Card>
  );
}
