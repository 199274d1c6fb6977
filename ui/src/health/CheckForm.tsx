import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { putCheck, tryCheck, type CheckDetail, type Run } from '../api/health';
import { Button } from '../design/Button';
import { ChoiceField, TextAreaField, TextField } from '../design/fields';
import { formatSeconds } from '../design/format';
import { Note } from '../design/parts';
import { Value } from '../design/Value';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { COMMON, FIELDS, readDraft, TYPES, writeDraft, type FieldOf, type Said } from './draft';
import styles from './health.module.css';

const BLANK: Said = {};

function Found({ run }: { run: Run }): ReactElement {
  const took = formatSeconds(run.duration_ms / 1000);
  if (run.up)
    return (
      <Note level="info">
        Up, in {took}
        {Object.entries(run.facts).map(([name, value]) => (
          <span key={name} className="dim">
            {' '}
            · {name.replaceAll('_', ' ')} {Math.round(value * 100) / 100}
          </span>
        ))}
      </Note>
    );
  return (
    <Note level={run.known ? 'bad' : 'warn'}>
      {run.known ? 'Down' : 'Not known'}, after {took}: <Value text={run.reason} />
    </Note>
  );
}

/** Makes or changes a check, and tries it. Mounted when it opens. */
export function CheckForm(props: {
  kept: CheckDetail | null;
  onDone: (name: string) => void;
  onCancel: () => void;
}): ReactElement {
  const { kept, onDone, onCancel } = props;
  const { tenant } = useAddress();
  const start = kept === null ? { said: BLANK, rest: '' } : readDraft(kept.definition);
  const [name, setName] = useState(kept?.name ?? '');
  const [type, setType] = useState(kept?.type ?? 'http');
  const [said, setSaid] = useState(start.said);
  const [rest, setRest] = useState(start.rest);
  const [run, setRun] = useState<Run | null>(null);
  const deed = useDeed();
  const trial = useDeed();
  const check = writeDraft(name.trim() || 'check', type, said, rest);
  const fault = typeof check === 'string' ? check : null;
  const field = (one: FieldOf): ReactElement => {
    const input = {
      label: one.label,
      value: said[one.name] ?? '',
      onChange: deed.edit((value: string) => setSaid((before) => ({ ...before, [one.name]: value }))),
      ...(one.required ? { required: true } : {}),
      ...(one.hint === undefined
        ? one.list
          ? { hint: 'Several with commas between them' }
          : {}
        : { hint: one.hint }),
    };
    return one.long ? (
      <TextAreaField key={one.name} {...input} />
    ) : (
      <TextField key={one.name} {...input} placeholder={one.placeholder} />
    );
  };
  const test = async (): Promise<void> => {
    setRun(null);
    if (typeof check === 'string') return;
    const found = await trial.run(() => tryCheck(check, { tenant }));
    if (found) setRun(found.done);
  };
  const send = async (): Promise<void> => {
    if (typeof check === 'string') return;
    if (await deed.run(() => putCheck(name.trim(), check, kept?.version ?? 0, { tenant })))
      onDone(name.trim());
  };
  return (
    <DeedForm
      deed={deed}
      action={kept === null ? 'Make the check' : 'Change the check'}
      ready={fault === null && name.trim() !== ''}
      send={send}
      onCancel={onCancel}
      aside={
        type === 'heartbeat' ? null : (
          <Button whyNot={fault} disabled={trial.busy} onClick={() => void test()}>
            {trial.busy ? 'Trying…' : 'Test'}
          </Button>
        )
      }
    >
      {kept === null ? (
        <>
          <TextField
            label="Name"
            required
            placeholder="shop-home"
            hint="Small letters, digits and . _ -"
            value={name}
            onChange={deed.edit(setName)}
            data-autofocus
          />
          <ChoiceField
            label="What is checked"
            options={TYPES.map(([value, label]) => ({ value, label }))}
            value={type}
            onChange={deed.edit((one: string | null) => setType(one ?? type))}
          />
        </>
      ) : null}
      {(FIELDS[type] ?? []).map(field)}
      <div className={styles.two}>{COMMON.map(field)}</div>
      <TextAreaField
        label="Further fields"
        hint={
          'As JSON, such as {"headers": {"X-Key": "…"}, "severity": "warning"}; all are listed in the documentation'
        }
        value={rest}
        onChange={deed.edit(setRest)}
      />
      {trial.error ? <Note level="bad">{trial.error.message}</Note> : null}
      {run === null ? null : <Found run={run} />}
    </DeedForm>
  );
}
