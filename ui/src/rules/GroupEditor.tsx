import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { dropGroup, putGroup, replay, type KeptGroup, type Replay } from '../api/rules';
import { Button } from '../design/Button';
import { CodeView } from '../design/CodeView';
import { Confirm } from '../design/Confirm';
import { Field, TextField } from '../design/fields';
import { LineDiff } from '../design/LineDiff';
import { lineDiff, nearby, unifiedLines } from '../design/lines';
import { IconButton, Note } from '../design/parts';
import { toasts } from '../design/toasts';
import { useUnsaved } from '../design/unsaved';
import { Value } from '../design/Value';
import { QueryEditor } from '../promql/QueryEditor';
import { useDeed } from '../session/useDeed';
import { Backtest } from './Backtest';
import {
  blankGroup,
  blankRule,
  draftOf,
  faultOf,
  plainOf,
  ruleFile,
  tidied,
  writeGroup,
  type DraftGroup,
  type DraftRule,
} from './draft';
import { LimitField } from './LimitField';
import { LAST } from './outcome';
import { Pairs } from './Pairs';
import { RuleNow } from './RuleNow';
import styles from './rules.module.css';

function RuleFields(props: {
  rule: DraftRule;
  at: number;
  /** Its expression is PromQL, which is asked while it is written. */
  asks: boolean;
  /** What lacks first is in it. */
  begins: boolean;
  onChange: (next: Partial<DraftRule>) => void;
  onRemove: (() => void) | null;
  onTry: () => void;
}): ReactElement {
  const { rule, at, asks, begins, onChange, onRemove, onTry } = props;
  const { tenant } = useAddress();
  const isAlert = rule.kind === 'alert';
  return (
    <fieldset className={styles.rule} aria-label={`Rule ${at + 1}`}>
      <div className={styles.ruleHead}>
        <b>Rule {at + 1}</b>
        <select
          className="select"
          aria-label={`Kind of rule ${at + 1}`}
          value={rule.kind}
          onChange={(event) => onChange({ kind: event.target.value === 'record' ? 'record' : 'alert' })}
        >
          <option value="alert">alerts</option>
          <option value="record">records</option>
        </select>
        <span className="grow" />
        {onRemove ? <IconButton icon="close" label={`Remove rule ${at + 1}`} onClick={onRemove} /> : null}
      </div>
      <TextField
        label={isAlert ? 'Alert' : 'Metric that is recorded'}
        mono={!isAlert}
        placeholder={isAlert ? 'HighErrorRate' : 'job:requests:rate5m'}
        value={rule.name}
        onChange={(name) => onChange({ name })}
      />
      <div className={styles.expression}>
        <Field label="Expression">
          {() => (
            <QueryEditor
              text={rule.expr}
              tenant={tenant}
              onChange={(expr) => onChange({ expr })}
              onRun={onTry}
            />
          )}
        </Field>
        {asks && isAlert ? (
          <LimitField expr={rule.expr} first={begins} onChange={(expr) => onChange({ expr })} />
        ) : null}
        {asks ? <RuleNow kind={rule.kind} expr={rule.expr} /> : null}
      </div>
      {isAlert ? (
        <div className={styles.two}>
          <TextField
            label="For"
            hint="How long it must hold before it fires"
            placeholder="0s"
            value={rule.for}
            onChange={(value) => onChange({ for: value })}
          />
          <TextField
            label="Keep firing for"
            hint="How long it fires on afterwards"
            placeholder="0s"
            value={rule.keep}
            onChange={(keep) => onChange({ keep })}
          />
        </div>
      ) : null}
      <Pairs title="Labels" one="label" pairs={rule.labels} onChange={(labels) => onChange({ labels })} />
      {isAlert ? (
        <Pairs
          title="Annotations"
          one="annotation"
          pairs={rule.annotations}
          onChange={(annotations) => onChange({ annotations })}
        />
      ) : null}
    </fieldset>
  );
}

type Step = { kind: 'edit' } | { kind: 'review' } | { kind: 'commit'; file: string; diff: string };

/** What is to be changed in a file, which this server only reads. */
function ToCommit({ file, diff, onBack }: { file: string; diff: string; onBack: () => void }): ReactElement {
  return (
    <div className={styles.form}>
      <Note level="info">
        <Value text={file} mono /> is only read here. Commit this change to it where it is kept; it counts
        once the file is read anew.
      </Note>
      <LineDiff label="The change of the file" lines={unifiedLines(diff)} />
      <details>
        <summary>As a patch, to be copied</summary>
        <CodeView text={diff} label="the patch" numbered={false} />
      </details>
      <div className={styles.actions}>
        <button type="button" className="button" onClick={onBack}>
          Back to the fields
        </button>
      </div>
    </div>
  );
}

/** Edits a group of rules: tried over the last week, looked at as a change, then kept. Mounted when it opens. */
export function GroupEditor(props: {
  /** The group as it is; null for a new one. */
  kept: KeptGroup | null;
  /** What a new one begins with. */
  expr?: string;
  onDone: (text: string) => void;
  onCancel: () => void;
}): ReactElement {
  const { kept, onDone, onCancel } = props;
  const { tenant } = useAddress();
  const [draft, setDraft] = useState<DraftGroup>(() =>
    kept === null ? blankGroup(props.expr) : draftOf(kept.namespace, kept.group),
  );
  // Of an expression that came along there is more to be said than of a blank one.
  const [isNamed] = useState(draft.name !== '');
  const [step, setStep] = useState<Step>({ kind: 'edit' });
  const [reason, setReason] = useState('');
  const [tried, setTried] = useState<{ text: string; replay: Replay } | null>(null);
  const [dropping, setDropping] = useState(false);
  const trial = useDeed();
  const deed = useDeed();
  const fault = faultOf(draft);
  const isFile = kept?.source === 'file';
  const before = kept === null ? null : tidied(kept.group);
  const after = plainOf(draft);
  const text = writeGroup(after);
  const same = text === writeGroup(before);
  const [begun] = useState(text);
  // The fields are not on the page while the change is looked at, and begin anew after that.
  useUnsaved(text !== begun && step.kind !== 'commit');
  const change = (next: Partial<DraftGroup>): void => {
    deed.clear();
    trial.clear();
    setDraft((now) => ({ ...now, ...next }));
  };
  const changeRule = (id: number, next: Partial<DraftRule>): void => {
    deed.clear();
    trial.clear();
    setDraft((now) => ({
      ...now,
      rules: now.rules.map((rule) => (rule.id === id ? { ...rule, ...next } : rule)),
    }));
  };
  const attempt = async (): Promise<void> => {
    if (fault !== null) return;
    const wanted =
      before === null || same
        ? { rules: ruleFile([after]), last: LAST }
        : { rules: ruleFile([before]), last: LAST, compare: { rules: ruleFile([after]) } };
    const found = await trial.run(() => replay(wanted, { tenant }));
    if (found) setTried({ text, replay: found.done });
  };
  const version = kept?.version ?? (kept === null ? 0 : undefined);
  const body = {
    group: after,
    ...(version === undefined ? {} : { version }),
    ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
  };
  const namespace = draft.namespace.trim();
  const review = async (): Promise<void> => {
    const found = await deed.run(() => putGroup(namespace, { ...body, dry_run: true }, { tenant }));
    if (!found) return;
    const { diff, file } = found.done;
    setStep(diff !== null && file !== null ? { kind: 'commit', file, diff } : { kind: 'review' });
  };
  const save = async (): Promise<void> => {
    const found = await deed.run(() => putGroup(namespace, body, { tenant }));
    if (!found) return;
    const { applied, diff, file } = found.done;
    const every = draft.interval.trim() || '1m';
    if (applied) onDone(`The group is ${kept === null ? 'made' : 'changed'}: it is evaluated every ${every}`);
    else setStep({ kind: 'commit', file: file ?? '', diff: diff ?? '' });
  };
  const drop = async (): Promise<void> => {
    setDropping(false);
    if (kept === null) return;
    const found = await deed.run(() => dropGroup(kept.namespace, kept.name, { tenant }));
    if (!found) return;
    const { applied, diff, file } = found.done;
    if (applied) onDone('The group is gone');
    else setStep({ kind: 'commit', file: file ?? '', diff: diff ?? '' });
  };
  const outcome = tried ? (
    <>
      {tried.text === text ? null : <p className="dim">The rules were changed since they were tried:</p>}
      <Backtest replay={tried.replay} />
    </>
  ) : null;
  const tryIt = (
    <Button whyNot={fault} disabled={trial.busy} onClick={() => void attempt()}>
      {trial.busy ? 'Trying…' : 'Try on the last 7 days'}
    </Button>
  );
  const failed = [trial.error, deed.error].map((error) =>
    error ? (
      <Note level="bad" key={error.message}>
        {error.message}
      </Note>
    ) : null,
  );
  if (step.kind === 'commit')
    return <ToCommit file={step.file} diff={step.diff} onBack={() => setStep({ kind: 'edit' })} />;
  if (step.kind === 'review')
    return (
      <div className={styles.form}>
        <LineDiff label="The change" lines={nearby(lineDiff(writeGroup(before), text))} />
        {outcome}
        <TextField
          label="Reason"
          placeholder="For those who read the history"
          value={reason}
          onChange={setReason}
        />
        {failed}
        <div className={styles.actions}>
          <button type="button" className="button" onClick={() => setStep({ kind: 'edit' })}>
            Back to the fields
          </button>
          {tryIt}
          <button type="button" className="button primary" disabled={deed.busy} onClick={() => void save()}>
            Save
          </button>
        </div>
      </div>
    );
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (fault === null && !same) void review();
      }}
    >
      {isFile ? (
        <Note level="info">
          This group is of a file, which is only read here: what you change is shown as the change to commit.
        </Note>
      ) : null}
      <div className={styles.three}>
        <TextField
          label="Namespace"
          disabled={kept !== null}
          value={draft.namespace}
          onChange={(value) => change({ namespace: value })}
        />
        <TextField
          label="Group"
          disabled={kept !== null}
          placeholder="checkout"
          {...(kept === null && !isNamed ? { 'data-autofocus': true } : {})}
          value={draft.name}
          onChange={(name) => change({ name })}
        />
        <TextField
          label="Every"
          placeholder="1m"
          {...(kept === null ? {} : { 'data-autofocus': true })}
          value={draft.interval}
          onChange={(interval) => change({ interval })}
        />
      </div>
      {draft.rules.map((rule, at) => (
        <RuleFields
          key={rule.id}
          rule={rule}
          at={at}
          asks={(draft.rest.language ?? 'promql') === 'promql'}
          begins={kept === null && isNamed && at === 0}
          onChange={(next) => changeRule(rule.id, next)}
          onRemove={
            draft.rules.length > 1
              ? () => change({ rules: draft.rules.filter(({ id }) => id !== rule.id) })
              : null
          }
          onTry={() => void attempt()}
        />
      ))}
      <div>
        <button
          type="button"
          className="button quiet"
          onClick={() =>
            change({
              rules: [...draft.rules, blankRule(1 + Math.max(...draft.rules.map(({ id }) => id)))],
            })
          }
        >
          Add a rule
        </button>
      </div>
      {outcome}
      {failed}
      <div className={styles.foot}>
        {kept !== null ? (
          <button type="button" className="button quiet" onClick={() => setDropping(true)}>
            Delete the group
          </button>
        ) : null}
        <span className="grow" />
        <button type="button" className="button" onClick={onCancel}>
          Cancel
        </button>
        {tryIt}
        <Button
          type="submit"
          className="button primary"
          whyNot={fault ?? (same ? 'Nothing differs yet' : null)}
          disabled={deed.busy}
        >
          {isFile ? 'Show the change' : 'Look at the change'}
        </Button>
      </div>
      {dropping && kept !== null ? (
        <Confirm
          open
          danger
          title="Delete this group?"
          action={isFile ? 'Show the change' : 'Delete the group'}
          onConfirm={() => void drop()}
          onCancel={() => setDropping(false)}
        >
          <p>
            <Value text={kept.name} /> with {kept.group.rules.length}{' '}
            {kept.group.rules.length === 1 ? 'rule' : 'rules'}:{' '}
            {isFile
              ? 'nothing changes until the change is committed to its file.'
              : 'its alerts end, and what it records stops. The history of its versions stays.'}
          </p>
        </Confirm>
      ) : null}
    </form>
  );
}

/** Says what came of an edit. */
export function said(text: string): void {
  toasts.show({ level: 'ok', text });
}
