import type { ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { putRunAlerts, runAlerts } from '../api/runs';
import { useAsked } from '../api/useAsked';
import { Button } from '../design/Button';
import { toasts } from '../design/toasts';
import { whyNot } from '../session/lacking';
import { useMay } from '../session/session';
import { useDeed } from '../session/useDeed';

const ALL = '*';

/** The button that has people told of a workflow's runs that go wrong, or, without one, of those of all workflows. */
export function AlertSwitch({ workflow = ALL }: { workflow?: string }): ReactElement | null {
  const { tenant } = useAddress();
  const may = useMay();
  const deed = useDeed();
  const answer = useAsked({ key: ['run alerts'], ask: runAlerts, staleTime: 30_000 });
  if (answer.data === undefined) return null;
  const { all, workflows } = answer.data;
  const isOn = workflows.find((one) => one.workflow === workflow)?.enabled ?? all;
  const whose = workflow === ALL ? 'all workflows' : 'this workflow';
  const why = whyNot(may, 'alerts.configure', 'Alerts are switched');
  const press = async (): Promise<void> => {
    if (await deed.run(() => putRunAlerts(workflow, !isOn, { tenant })))
      toasts.show({ level: 'ok', text: `Alerts of ${whose} are ${isOn ? 'off' : 'on'}` });
  };
  return (
    <>
      {deed.error ? <span className="pill bad">{deed.error.message}</span> : null}
      <Button
        aria-pressed={isOn}
        whyNot={why}
        disabled={deed.busy}
        title={`Runs of ${whose} that are late, stuck, missing, failing or flapping ${isOn ? 'are' : 'become'} alerts`}
        onClick={() => void press()}
      >
        {workflow === ALL ? 'Alerts of all' : 'Alerts'}: {isOn ? 'on' : 'off'}
      </Button>
    </>
  );
}
