import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { alertingConfig, checkConfig, putConfig, testReceiver, type Trial } from '../api/receivers';
import { Dialog } from '../design/Confirm';
import { ChoiceField, TextField } from '../design/fields';
import { Note } from '../design/parts';
import { Value } from '../design/Value';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { configOf, isWhole, STARTERS, tellsNobody, type Filled, type Starter } from './starters';

function usualOf({ fields }: Starter): Filled {
  return Object.fromEntries(fields.flatMap(({ id, usual }) => (usual === undefined ? [] : [[id, usual]])));
}

/** What came of the test of a receiver that was just kept. */
function Told({ receiver, onClose }: { receiver: string; onClose: () => void }): ReactElement {
  return (
    <div className="form">
      <Note level="info">
        The test was delivered. All alerts go to <Value text={receiver} /> from now on.
      </Note>
      <p className="dim">Next: a rule that says when something is an alert.</p>
      <div className="form-actions">
        <button type="button" className="button" onClick={onClose}>
          Done
        </button>
        <PageLink className="button primary" page="rules" search={{ new: '' }}>
          Make a rule
        </PageLink>
      </div>
    </div>
  );
}

/** The first receiver of a tenant: a few fields, kept and tested at once. Mounted when it opens. */
export function AddReceiver({ onClose }: { onClose: () => void }): ReactElement {
  const { tenant } = useAddress();
  const [[first]] = [STARTERS];
  const [starter, setStarter] = useState<Starter | undefined>(first);
  const [name, setName] = useState(first?.receiver ?? '');
  const [filled, setFilled] = useState<Filled>(first ? usualOf(first) : {});
  const [trials, setTrials] = useState<readonly Trial[] | null>(null);
  const deed = useDeed();
  const receiver = name.trim();
  const failed = (trials ?? []).filter(({ sent }) => !sent);
  const choose = (wanted: string | null): void => {
    const next = STARTERS.find((one) => one.name === wanted);
    if (!next) return;
    deed.clear();
    setStarter(next);
    setName(next.receiver);
    setFilled(usualOf(next));
    setTrials(null);
  };
  const send = async (): Promise<void> => {
    if (!starter) return;
    setTrials(null);
    const config = configOf(starter, receiver, filled);
    const found = await deed.run(async () => {
      // What somebody else made meanwhile is not thrown away.
      const now = await alertingConfig({ tenant });
      if (trials === null && !tellsNobody(now.config))
        throw new Error('There are receivers now: look at them, and add this one under Configuration');
      const files = { template_files: now.template_files };
      const { faults } = await checkConfig({ config, ...files }, { tenant });
      if (faults.length > 0) throw new Error(faults.join('; '));
      await putConfig({ config, ...files, version: now.version, reason: '' }, { tenant });
      return testReceiver(receiver, null, { tenant });
    });
    if (found) setTrials(found.done.results);
  };
  if (trials !== null && failed.length === 0)
    return (
      <Dialog open onClose={onClose} title="The receiver is there" alert fleeting>
        <Told receiver={receiver} onClose={onClose} />
      </Dialog>
    );
  return (
    <Dialog open onClose={onClose} title="Add a receiver" alert>
      <DeedForm
        deed={deed}
        action={deed.busy ? 'Testing…' : 'Save and test'}
        ready={starter !== undefined && receiver !== '' && isWhole(starter, filled)}
        aside={
          <PageLink page="receivers" search={{ view: 'configuration' }} onClick={onClose}>
            Write it as text
          </PageLink>
        }
        send={send}
        onCancel={onClose}
      >
        <ChoiceField
          label="By"
          options={STARTERS.map((one) => ({ value: one.name }))}
          value={starter?.name ?? null}
          onChange={choose}
        />
        <TextField
          label="Name"
          hint="What routes and messages call it"
          autoComplete="off"
          maxLength={100}
          value={name}
          onChange={deed.edit(setName)}
        />
        {(starter?.fields ?? []).map(({ id, label, example, hint, optional = false, secret = false }, i) => (
          <TextField
            key={id}
            label={optional ? `${label} (if it asks for one)` : label}
            hint={hint}
            placeholder={secret && id !== 'api_url' && id !== 'url' ? undefined : example}
            autoComplete="off"
            spellCheck={false}
            {...(i === 0 ? { 'data-autofocus': true } : {})}
            {...(id === 'auth_password' ? { type: 'password', autoComplete: 'new-password' } : {})}
            value={filled[id] ?? ''}
            onChange={deed.edit((value: string) => setFilled({ ...filled, [id]: value }))}
          />
        ))}
        {failed.map(({ integration, answer }) => (
          <Note level="bad" key={integration}>
            It is kept, but the test was not delivered: <Value text={answer || 'no words'} />
          </Note>
        ))}
      </DeedForm>
    </Dialog>
  );
}
