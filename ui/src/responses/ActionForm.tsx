import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import type { AlertView } from '../api/alerts';
import { faultsOf, type Faults } from '../api/faults';
import type { Version } from '../api/oncall';
import { putAction, rehearse, STEPS, type ActionDocument, type Rehearsal } from '../api/responses';
import { ALERT_NAME, otherLabels } from '../alerts/alerts';
import type { FormEnds } from '../definitions/Definitions';
import { Button } from '../design/Button';
import { CheckField, ChoiceField, MultiChoiceField, TextAreaField, TextField } from '../design/fields';
import { labelNames } from '../design/filter';
import { Note } from '../design/parts';
import { StatusChip } from '../design/StatusChip';
import { Value } from '../design/Value';
import { Pairs } from '../rules/Pairs';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { Matchers } from '../silences/Matchers';
import {
  BLANK,
  documentOf,
  draftOf,
  faultOf,
  KINDS,
  METHODS,
  OBJECTS,
  SCALED,
  type ActionDraft,
  type ActionKind,
} from './draft';
import styles from './responses.module.css';

const KIND_NAMES: Readonly<Record<ActionKind, string>> = {
  webhook: 'a request to an address',
  command: 'a command that the server allows',
  kubernetes: 'a change of a Kubernetes cluster',
};
const SEVERITIES = ['critical', 'warning', 'info'];
/** Fields that show what is wrong with them. */
const FIELDS = [
  'matchers',
  'severities',
  'on',
  'webhook.url',
  'webhook.headers',
  'webhook.body',
  'command.name',
  'command.arguments',
  'kubernetes.cluster',
  'kubernetes.namespace',
  'kubernetes.name',
  'kubernetes.patch',
  'cooldown',
  'timeout',
  'evidence',
  'description',
] as const;

interface Part {
  draft: ActionDraft;
  said: Faults;
  set: (next: Partial<ActionDraft>) => void;
}

function Webhook({ draft, said, set }: Part): ReactElement {
  return (
    <>
      <TextField
        label="Address"
        required
        type="url"
        mono
        placeholder="https://ops.example.org/scale"
        hint="${label} stands for the value of a label, here and below"
        error={said.at('webhook.url')}
        value={draft.url}
        onChange={(url) => set({ url })}
      />
      <ChoiceField
        label="Method"
        options={METHODS.map((value) => ({ value }))}
        value={draft.method}
        onChange={(method) => set({ method: method ?? 'POST' })}
      />
      <Pairs
        title="What is sent: without any field the alert itself"
        one="field"
        pairs={draft.body}
        onChange={(body) => set({ body })}
      />
      {said.at('webhook.body') ? <Note level="bad">{said.at('webhook.body')}</Note> : null}
      <Pairs title="Headers" one="header" pairs={draft.headers} onChange={(headers) => set({ headers })} />
      {said.at('webhook.headers') ? <Note level="bad">{said.at('webhook.headers')}</Note> : null}
    </>
  );
}

function Command({ draft, said, set }: Part): ReactElement {
  return (
    <>
      <TextField
        label="Command"
        required
        mono
        hint="By its name in actions.commands of pharos.yml"
        error={said.at('command.name')}
        value={draft.command}
        onChange={(command) => set({ command })}
      />
      <TextAreaField
        label="Arguments"
        hint="One a line; ${label} stands for the value of a label"
        error={said.at('command.arguments')}
        value={draft.arguments}
        onChange={(text) => set({ arguments: text })}
      />
    </>
  );
}

function Kubernetes({ draft, said, set }: Part): ReactElement {
  const isScaled = (SCALED as readonly string[]).includes(draft.object) && draft.change === 'replicas';
  return (
    <>
      <div className={styles.two}>
        <TextField
          label="Cluster"
          required
          hint="By its name in pharos.yml"
          error={said.at('kubernetes.cluster')}
          value={draft.cluster}
          onChange={(cluster) => set({ cluster })}
        />
        <ChoiceField
          label="Kind of object"
          options={OBJECTS.map((value) => ({ value }))}
          value={draft.object}
          onChange={(object) =>
            set({
              object: object ?? 'deployment',
              ...((SCALED as readonly (string | null)[]).includes(object) ? {} : { change: 'patch' }),
            })
          }
        />
        <TextField
          label="Namespace"
          required
          mono
          error={said.at('kubernetes.namespace')}
          value={draft.namespace}
          onChange={(namespace) => set({ namespace })}
        />
        <TextField
          label="Object"
          required
          mono
          placeholder="${service}"
          error={said.at('kubernetes.name')}
          value={draft.name}
          onChange={(name) => set({ name })}
        />
      </div>
      {(SCALED as readonly string[]).includes(draft.object) ? (
        <ChoiceField
          label="What changes"
          options={[
            { value: 'replicas', label: 'the number of replicas' },
            { value: 'patch', label: 'something else, as a patch' },
          ]}
          value={draft.change}
          onChange={(value) => set({ change: value === 'patch' ? 'patch' : 'replicas' })}
        />
      ) : null}
      {isScaled ? (
        <TextField
          label="Replicas"
          inputMode="numeric"
          value={draft.replicas}
          onChange={(replicas) => set({ replicas })}
        />
      ) : (
        <>
          <ChoiceField
            label="Kind of patch"
            options={['strategic', 'merge', 'json'].map((value) => ({ value }))}
            value={draft.patchType}
            onChange={(patchType) => set({ patchType: patchType ?? 'strategic' })}
          />
          <TextAreaField
            label="Patch"
            rows={6}
            hint="JSON, as kubectl patch takes it"
            error={said.at('kubernetes.patch')}
            value={draft.patch}
            onChange={(patch) => set({ patch })}
          />
        </>
      )}
    </>
  );
}

/** What would be done upon an alert that there is, or one with typed labels: asked of the server, and not done. */
function Rehearse({
  action,
  known,
  barred,
}: {
  action: ActionDocument;
  known: readonly AlertView[] | null;
  barred: string | null;
}): ReactElement {
  const { tenant } = useAddress();
  // The first alert, until somebody chooses: they may come after the form.
  const [picked, setPicked] = useState<string | null>();
  const alerts = known ?? [];
  const chosen = picked === undefined ? (alerts[0]?.fingerprint ?? null) : picked;
  const [step, setStep] = useState<string>(action.on?.[0] ?? 'firing');
  const [found, setFound] = useState<{ of: string; rehearsal: Rehearsal } | null>(null);
  const deed = useDeed();
  const alert = alerts.find(({ fingerprint }) => fingerprint === chosen);
  const of = JSON.stringify([action, chosen, step]);
  const run = async (): Promise<void> => {
    const answer = await deed.run(() => rehearse({ action, labels: alert?.labels ?? {}, step }, { tenant }));
    if (answer) setFound({ of, rehearsal: answer.done });
  };
  return (
    <fieldset className={styles.rehearsal}>
      <legend>Dry run: what it would do, without doing it</legend>
      <ChoiceField
        label="Upon the alert"
        clearable
        placeholder="an alert without labels"
        options={alerts.map(({ fingerprint, labels }) => ({
          value: fingerprint,
          label: labels[ALERT_NAME] ?? fingerprint,
          note: otherLabels(labels),
        }))}
        value={chosen}
        onChange={setPicked}
      />
      <ChoiceField
        label="that is"
        options={STEPS.map((value) => ({ value }))}
        value={step}
        onChange={(value) => setStep(value ?? 'firing')}
      />
      <div>
        <Button whyNot={barred} disabled={deed.busy || known === null} onClick={() => void run()}>
          Dry run
        </Button>
      </div>
      {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
      {found?.of === of && !deed.error ? (
        <section aria-label="What it would do" aria-live="polite">
          {found.rehearsal.answers ? (
            <StatusChip status="ok">it answers this</StatusChip>
          ) : (
            <StatusChip status="muted">it does not answer this</StatusChip>
          )}
          <p className={styles.plan}>
            <Value text={found.rehearsal.plan} mono />
          </p>
        </section>
      ) : null}
    </fieldset>
  );
}

/** Makes or changes an action. Mounted when it opens. */
export function ActionForm(
  props: {
    /** Null for a new one. */
    kept: Version | null;
    /** The alerts that there are; null while they are being read. */
    known: readonly AlertView[] | null;
    /** Why commands and clusters are not for who asks; null where they are. */
    operates: string | null;
  } & FormEnds,
): ReactElement {
  const { kept, known, operates, onDone, onCancel } = props;
  const { tenant } = useAddress();
  const [name, setName] = useState(kept?.name ?? '');
  const [draft, setDraft] = useState<ActionDraft>(() => (kept?.document ? draftOf(kept.document) : BLANK));
  const [reason, setReason] = useState('');
  const deed = useDeed();
  const said = faultsOf(deed.error);
  const rest = said.rest(...FIELDS);
  const action = documentOf(draft);
  const unfit = faultOf(draft) ?? (draft.kind === 'webhook' ? null : operates);
  const set = (next: Partial<ActionDraft>): void => {
    deed.clear();
    setDraft((was) => ({ ...was, ...next }));
  };
  const part = { draft, said, set };
  const send = async (): Promise<void> => {
    const wanted = { action, version: kept?.version ?? 0, reason: reason.trim() };
    if (await deed.run(() => putAction(name.trim(), wanted, { tenant }))) onDone();
  };
  return (
    <DeedForm
      deed={deed}
      action={kept === null ? 'Make the action' : 'Change the action'}
      ready={name.trim() !== ''}
      whyNot={unfit}
      fault={rest}
      send={send}
      onCancel={onCancel}
    >
      {kept === null ? (
        <TextField
          label="Name"
          required
          placeholder="scale-out"
          value={name}
          onChange={setName}
          data-autofocus
        />
      ) : null}
      <TextField
        label="Description"
        error={said.at('description')}
        value={draft.description}
        onChange={(description) => set({ description })}
      />
      <Matchers
        title="Upon alerts with"
        names={labelNames(known ?? [])}
        matchers={draft.matchers}
        error={said.at('matchers')}
        onChange={(matchers) => set({ matchers })}
      />
      <MultiChoiceField
        label="of severity"
        free
        placeholder="any"
        error={said.at('severities')}
        options={SEVERITIES.map((value) => ({ value }))}
        values={draft.severities}
        onChange={(severities) => set({ severities })}
      />
      <fieldset className={styles.steps}>
        <legend>when they are</legend>
        {STEPS.map((step) => (
          <CheckField
            key={step}
            label={step}
            checked={draft.on.includes(step)}
            onChange={(on) => set({ on: on ? [...draft.on, step] : draft.on.filter((one) => one !== step) })}
          />
        ))}
      </fieldset>
      <ChoiceField
        label="Do"
        options={KINDS.map((value) => ({ value, label: KIND_NAMES[value] }))}
        value={draft.kind}
        onChange={(kind) => set({ kind: (kind ?? 'webhook') as ActionKind })}
      />
      {draft.kind !== 'webhook' && operates !== null ? <Note level="info">{operates}</Note> : null}
      {draft.kind === 'webhook' ? (
        <Webhook {...part} />
      ) : draft.kind === 'command' ? (
        <Command {...part} />
      ) : (
        <Kubernetes {...part} />
      )}
      <TextAreaField
        label="Evidence"
        hint="Queries, one a line, whose answers are kept before anything is done"
        error={said.at('evidence')}
        value={draft.evidence}
        onChange={(evidence) => set({ evidence })}
      />
      <div className={styles.two}>
        <TextField
          label="Not again within"
          error={said.at('cooldown')}
          value={draft.cooldown}
          onChange={(cooldown) => set({ cooldown })}
        />
        <TextField
          label="It may take"
          error={said.at('timeout')}
          value={draft.timeout}
          onChange={(timeout) => set({ timeout })}
        />
      </div>
      <div className={styles.checks}>
        <CheckField
          label="Somebody approves it first"
          checked={draft.approval}
          onChange={(approval) => set({ approval })}
        />
        <CheckField
          label="Only as a dry run: what would be done is kept, and not done"
          checked={draft.dryRun}
          onChange={(dryRun) => set({ dryRun })}
        />
        <CheckField label="In force" checked={draft.enabled} onChange={(enabled) => set({ enabled })} />
      </div>
      <Rehearse action={action} known={known} barred={faultOf(draft)} />
      <TextField
        label="Reason"
        placeholder="For those who read the history"
        value={reason}
        onChange={setReason}
      />
    </DeedForm>
  );
}
