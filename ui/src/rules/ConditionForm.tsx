import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import {
  dropCondition,
  keptCondition,
  putCondition,
  type ConditionDocument,
  type KeptCondition,
} from '../api/conditions';
import { faultsOf } from '../api/faults';
import { groupVersions } from '../api/rules';
import { useAsked } from '../api/useAsked';
import { Confirm } from '../design/Confirm';
import { CheckField, ChoiceField, MultiChoiceField, TextField } from '../design/fields';
import { Note } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { History, written } from '../history/History';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import {
  BLANK_CONDITION,
  COMPARISONS,
  conditionDraftOf,
  conditionFault,
  conditionOf,
  type ConditionDraft,
} from './condition';
import styles from './rules.module.css';

const FIELDS = ['name', 'condition', 'severity', 'channels', 'cooldown', 'daoSubnet'] as const;

/** Makes or changes a simple condition. Mounted when it opens. */
function Form(props: {
  /** Null for a new one. */
  id: string | null;
  kept: ConditionDocument;
  onDone: (text: string) => void;
  onCancel: () => void;
}): ReactElement {
  const { id, kept, onDone, onCancel } = props;
  const { tenant } = useAddress();
  const [draft, setDraft] = useState<ConditionDraft>(() =>
    id === null ? BLANK_CONDITION : conditionDraftOf(kept),
  );
  const [dropping, setDropping] = useState(false);
  const deed = useDeed();
  const said = faultsOf(deed.error);
  // What compares nothing is told in the condition's own words.
  const compares = deed.error?.message.startsWith('the condition ') ? deed.error.message : undefined;
  const rest = compares === undefined ? said.rest(...FIELDS) : null;
  const fault = conditionFault(draft);
  const set = (next: Partial<ConditionDraft>): void => {
    deed.clear();
    setDraft((was) => ({ ...was, ...next }));
  };
  const save = async (): Promise<void> => {
    if (await deed.run(() => putCondition(conditionOf(draft, kept), { tenant })))
      onDone(id === null ? 'The condition is made' : 'The condition is changed');
  };
  const drop = async (): Promise<void> => {
    setDropping(false);
    if (id !== null && (await deed.run(() => dropCondition(id, { tenant })))) onDone('The condition is gone');
  };
  return (
    <>
      <DeedForm
        deed={deed}
        action={id === null ? 'Make the condition' : 'Change the condition'}
        whyNot={fault}
        footClass={styles.foot}
        aside={
          <>
            {id === null ? null : (
              <button type="button" className="button quiet" onClick={() => setDropping(true)}>
                Delete the condition
              </button>
            )}
            <span className="grow" />
          </>
        }
        fault={rest}
        send={save}
        onCancel={onCancel}
      >
        <TextField
          label="Name"
          data-autofocus
          required
          placeholder="Flow latency"
          error={said.at('name')}
          value={draft.name}
          onChange={(name) => set({ name })}
        />
        {draft.isSimple ? (
          <div className={styles.three}>
            <TextField
              label="Metric"
              required
              mono
              placeholder="flow_execution_latency_p99"
              error={compares ?? said.at('condition')}
              value={draft.metric}
              onChange={(metric) => set({ metric })}
            />
            <ChoiceField
              label="is"
              options={COMPARISONS.map((value) => ({ value }))}
              value={draft.comparison}
              onChange={(comparison) => set({ comparison: comparison ?? '>' })}
            />
            <TextField
              label="than, or as"
              required
              inputMode="decimal"
              value={draft.value}
              onChange={(value) => set({ value })}
            />
          </div>
        ) : (
          <TextField
            label="Condition"
            required
            mono
            hint="A comparison, such as errors / requests > 0.05"
            error={compares ?? said.at('condition')}
            value={draft.text}
            onChange={(text) => set({ text })}
          />
        )}
        <CheckField
          label="A comparison of more than one metric"
          checked={!draft.isSimple}
          onChange={(wide) =>
            set({
              isSimple: !wide,
              ...(wide && draft.metric !== ''
                ? { text: `${draft.metric} ${draft.comparison} ${draft.value}` }
                : {}),
            })
          }
        />
        <ChoiceField
          label="Severity"
          free
          options={['critical', 'warning', 'info'].map((value) => ({ value }))}
          error={said.at('severity')}
          value={draft.severity}
          onChange={(severity) => set({ severity: severity ?? '' })}
        />
        <MultiChoiceField
          label="Channels"
          free
          hint="Who is told: a label of the alert, by which routes can tell"
          options={['email', 'slack', 'pagerduty', 'webhook'].map((value) => ({ value }))}
          error={said.at('channels')}
          values={draft.channels}
          onChange={(channels) => set({ channels })}
        />
        <TextField
          label="Cooldown"
          hint="In this time it is not told of anew"
          placeholder="5m"
          error={said.at('cooldown')}
          value={draft.cooldown}
          onChange={(cooldown) => set({ cooldown })}
        />
        <TextField
          label="DAO subnet"
          hint="Only its series; empty for all"
          error={said.at('daoSubnet')}
          value={draft.daoSubnet}
          onChange={(daoSubnet) => set({ daoSubnet })}
        />
      </DeedForm>
      {dropping ? (
        <Confirm
          open
          danger
          title="Delete this condition?"
          action="Delete the condition"
          onConfirm={() => void drop()}
          onCancel={() => setDropping(false)}
        >
          <p>Its alerts end. The history of its versions stays.</p>
        </Confirm>
      ) : null}
    </>
  );
}

function Loaded(props: {
  id: string;
  kept: KeptCondition;
  onDone: (text: string) => void;
  onCancel: () => void;
}): ReactElement {
  const { id, kept, onDone } = props;
  const { tenant } = useAddress();
  return (
    <>
      <Form {...props} kept={kept.document} />
      <details className={styles.versions}>
        <summary>Versions</summary>
        <History
          id={['condition', id]}
          ask={async (asking) =>
            (await groupVersions('conditions', id, asking)).map((one) => ({
              version: one.version,
              text: written(one.group),
              by: one.updated_by,
              reason: one.reason,
              at: one.updated,
            }))
          }
          restore={async (version) => {
            const all = await groupVersions('conditions', id, { tenant });
            const found = all.find((one) => one.version === version)?.group;
            await putCondition((found ?? {}) as unknown as ConditionDocument, { tenant });
            onDone(`Version ${version} counts again`);
          }}
        />
      </details>
    </>
  );
}

/** The form of a simple condition: a new one, or the one of an id once it is known what it is. */
export function ConditionForm(props: {
  id: string | null;
  onDone: (text: string) => void;
  onCancel: () => void;
}): ReactElement {
  const { id, onDone, onCancel } = props;
  const answer = useAsked({
    key: ['condition', id],
    ask: (asking) => keptCondition(id ?? '', asking),
    enabled: id !== null,
    refetchOnWindowFocus: false,
    staleTime: Infinity,
    gcTime: 0,
  });
  if (id === null) return <Form id={null} kept={{}} onDone={onDone} onCancel={onCancel} />;
  if (answer.error) return <Note level="bad">The condition cannot be read: {answer.error.message}</Note>;
  if (!answer.data) return <Skeleton kind="text" label="The condition" rows={6} />;
  return <Loaded id={id} kept={answer.data} onDone={onDone} onCancel={onCancel} />;
}
