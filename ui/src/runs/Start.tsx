import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { flowHooks, startRun } from '../api/flows';
import { useAsked } from '../api/useAsked';
import { Button } from '../design/Button';
import { Dialog } from '../design/Confirm';
import { TextField } from '../design/fields';
import { toasts } from '../design/toasts';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { DeedForm } from '../session/DeedForm';
import { useMay } from '../session/session';
import { whyNot } from '../session/lacking';
import { useDeed } from '../session/useDeed';
import { actionsOf, outcomeText, randomKey, readParameters } from './control';

function Ask({ workflow, onClose }: { workflow: string; onClose: () => void }): ReactElement {
  const { tenant } = useAddress();
  const deed = useDeed();
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState('');
  const [key] = useState(randomKey);
  const parameters = readParameters(typed);
  const send = async (): Promise<void> => {
    if (parameters === null) return;
    const what = { workflow, reason: reason.trim(), parameters, key };
    const done = await deed.run(() => startRun(what, { tenant }));
    if (!done) return;
    const { status, message } = done.done;
    const level = status === 'refused' || status === 'failed' || status === 'expired' ? 'warning' : 'ok';
    toasts.show({ level, text: outcomeText('start', status, visibleText(message)) });
    onClose();
  };
  return (
    <Dialog open onClose={onClose} title="Start a run">
      <DeedForm deed={deed} action="Start" ready={parameters !== null} send={send} onCancel={onClose}>
        <p>
          The engine of <Value text={workflow} /> is asked to start a run.
        </p>
        <TextField
          label="Parameters"
          placeholder={'{"day": "2026-11-30"}'}
          hint="A JSON object, or nothing"
          error={parameters === null ? 'This is not a JSON object' : undefined}
          value={typed}
          onChange={deed.edit(setTyped)}
        />
        <TextField label="Reason" value={reason} onChange={deed.edit(setReason)} />
      </DeedForm>
    </Dialog>
  );
}

/** The button that starts a run; absent where no engine listens. */
export function Start({ workflow }: { workflow: string }): ReactElement | null {
  const may = useMay();
  const [asking, setAsking] = useState(false);
  const hooks = useAsked({ key: ['flow hooks'], ask: flowHooks, staleTime: 60_000, retry: false });
  const listens = hooks.data === undefined ? null : actionsOf(hooks.data, workflow);
  if (listens === null || !listens.includes('start')) return null;
  const why = whyNot(may, 'flows.start', 'Runs are started');
  return (
    <>
      <Button whyNot={why} title="Its engine is asked to start one" onClick={() => setAsking(true)}>
        Start a run
      </Button>
      {asking ? <Ask workflow={workflow} onClose={() => setAsking(false)} /> : null}
    </>
  );
}
