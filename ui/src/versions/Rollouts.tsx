import { useState, type ReactElement, type ReactNode } from 'react';
import { useAddress } from '../address/hooks';
import { Ago } from '../alerts/parts';
import {
  moveRun,
  rollout as askRollout,
  startRun,
  type Gate,
  type Rollout,
  type Run,
  type Verdict,
} from '../api/versions';
import { useAsked } from '../api/useAsked';
import { Button } from '../design/Button';
import { Dialog } from '../design/Confirm';
import { Drawer } from '../design/Drawer';
import { TextField } from '../design/fields';
import { formatCount } from '../design/format';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { StatusChip } from '../design/StatusChip';
import { Expression, Value } from '../design/Value';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { effectWords, reachOf } from './effect';
import { EffectLine } from './EffectLine';
import { StageBar } from './StageBar';
import { OUTCOMES, PHASES } from './verdicts';
import styles from './versions.module.css';

/** Latency and errors, each with its interval drawn, and what is still needed. */
function Known({ verdict, name }: { verdict: Verdict; name: string }): ReactElement {
  const parts = [
    ['Latency', verdict.latency],
    ['Errors', verdict.errors],
  ] as const;
  return (
    <div className={styles.known}>
      {parts.map(([title, part]) => (
        <div key={title} className={styles.part}>
          <span className={styles.title}>{title}</span>
          <StatusChip status={OUTCOMES[part.verdict][0]}>{OUTCOMES[part.verdict][1]}</StatusChip>
          <EffectLine
            of={part}
            verdict={part.verdict}
            reach={reachOf([part])}
            label={`${title} of ${name}`}
          />
          <span className={styles.words}>{effectWords(part)}</span>
        </div>
      ))}
      <p className="dim">
        {formatCount(verdict.canary_requests)} requests of the new version,{' '}
        {formatCount(verdict.baseline_requests)} of the other.
        {verdict.needs === '' ? null : ` To decide on latency it needs ${verdict.needs}.`}
      </p>
    </div>
  );
}

function Gates({ gates }: { gates: readonly Gate[] }): ReactElement | null {
  if (gates.length === 0) return null;
  return (
    <ul className={styles.gates} aria-label="Gates">
      {gates.map((gate) => (
        <li key={gate.name}>
          <StatusChip status={gate.holds ? 'ok' : 'critical'}>{gate.holds ? 'open' : 'closed'}</StatusChip>{' '}
          <Value text={gate.name} />{' '}
          <span className="dim">
            <Value text={gate.answer} mono />
          </span>
        </li>
      ))}
    </ul>
  );
}

function Standing({ run }: { run: Run }): ReactElement {
  const [look, words] = PHASES[run.phase];
  return <StatusChip status={look}>{words}</StatusChip>;
}

function Versions({ run }: { run: Run }): ReactElement {
  return (
    <span className={styles.versions}>
      <Value text={run.canary} /> <span className="dim">against</span> <Value text={run.baseline} />
    </span>
  );
}

/** The run that goes on, or the last one, in short. */
export function RolloutCard({ of, onOpen }: { of: Rollout; onOpen: () => void }): ReactElement {
  const { run } = of;
  return (
    <section className="panel card" aria-label={`Rollout ${of.name}`}>
      <header className={styles.head}>
        <h2>
          <Value text={of.name} />
        </h2>
        {run ? <Standing run={run} /> : <StatusChip status="no-data">no run yet</StatusChip>}
        {run ? <Versions run={run} /> : null}
        <span className="grow" />
        {run ? (
          <span className="dim">
            {run.ended === null ? 'this stage since ' : 'ended '}
            <Ago at={run.ended ?? run.stage_began} />
          </span>
        ) : null}
        <button type="button" className="button" onClick={onOpen}>
          Details
        </button>
      </header>
      <StageBar stages={of.stages} run={run} />
      {run && run.reason !== '' ? (
        <p className={styles.reason}>
          <Value text={run.reason} />
        </p>
      ) : null}
      {of.verdict ? <Known verdict={of.verdict} name={of.name} /> : <LastKnown of={of} />}
      <Gates gates={of.gates} />
    </section>
  );
}

/** What was known when a run ended. */
function LastKnown({ of }: { of: Rollout }): ReactNode {
  const last =
    of.run?.ended === null ? undefined : of.run?.stages.findLast(({ verdict }) => verdict !== null);
  return last?.verdict ? <Known verdict={last.verdict} name={of.name} /> : null;
}

function Story({ run }: { run: Run }): ReactElement {
  return (
    <ol className={styles.story}>
      {run.stages.map((stage) => (
        <li key={`${stage.weight} ${stage.ended}`}>
          <p>
            <b>{stage.weight} %</b> {stage.outcome} <Ago at={stage.ended} />
          </p>
          {stage.verdict ? (
            <Known verdict={stage.verdict} name={`${run.canary} at ${stage.weight} %`} />
          ) : null}
          <Gates gates={stage.gates} />
        </li>
      ))}
    </ol>
  );
}

type Deed = 'start' | 'advance' | 'end';

const DEEDS: Readonly<Record<Deed, readonly [string, string]>> = {
  start: ['Begin a run', 'Begin'],
  advance: ['Begin the next stage', 'Begin it'],
  end: ['End the run', 'End it'],
};

function DeedDialog(props: {
  of: Rollout;
  deed: Deed;
  whyNot: string | null;
  onClose: () => void;
}): ReactElement {
  const { of, deed, whyNot, onClose } = props;
  const { tenant } = useAddress();
  const does = useDeed();
  const [canary, setCanary] = useState('');
  const [baseline, setBaseline] = useState(of.run?.phase === 'passed' ? of.run.canary : '');
  const [reason, setReason] = useState('');
  const send = async (): Promise<void> => {
    const done = await does.run(() =>
      deed === 'start'
        ? startRun(of.name, { baseline, canary, reason }, { tenant })
        : moveRun(of.name, deed, reason, { tenant }),
    );
    if (done) onClose();
  };
  return (
    <Dialog open title={DEEDS[deed][0]} onClose={onClose}>
      <DeedForm deed={does} action={DEEDS[deed][1]} whyNot={whyNot} send={send} onCancel={onClose}>
        {deed === 'start' ? (
          <>
            <TextField
              label="New version"
              hint="As it stands in its telemetry; that of the rollout where it is left out"
              value={canary}
              onChange={does.edit(setCanary)}
            />
            <TextField label="Version that runs" value={baseline} onChange={does.edit(setBaseline)} />
          </>
        ) : null}
        <TextField label="Reason" value={reason} onChange={does.edit(setReason)} />
      </DeedForm>
    </Dialog>
  );
}

/** Which deeds there are for a run as it is. */
function deedsOf(run: Run | null): readonly Deed[] {
  if (run === null || run.phase === 'passed' || run.phase === 'aborted') return ['start'];
  if (run.phase === 'failed') return run.is_closed ? ['start'] : ['end', 'start'];
  return ['end', 'advance'];
}

function Details({ of, whyNot }: { of: Rollout; whyNot: string | null }): ReactElement {
  const [deed, setDeed] = useState<Deed | null>(null);
  const { run } = of;
  const asked = Object.entries(of.rollout).filter(([, value]) => typeof value === 'string' && value !== '');
  return (
    <div className={styles.stack}>
      <div className={styles.deeds}>
        {run ? <Standing run={run} /> : <StatusChip status="no-data">no run yet</StatusChip>}
        {run ? <Versions run={run} /> : null}
        <span className="grow" />
        {deedsOf(run).map((one) => (
          <Button
            key={one}
            className={one === 'start' || one === 'advance' ? 'button primary' : 'button'}
            whyNot={whyNot}
            onClick={() => setDeed(one)}
          >
            {one === 'end' && run?.phase === 'failed' ? 'It is dealt with' : DEEDS[one][0]}
          </Button>
        ))}
      </div>
      <StageBar stages={of.stages} run={run} />
      {run && run.reason !== '' ? (
        <p>
          <Value text={run.reason} />
        </p>
      ) : null}
      {of.verdict ? <Known verdict={of.verdict} name={of.name} /> : null}
      <Gates gates={of.gates} />
      {run && run.stages.length > 0 ? (
        <section aria-label="Stages so far">
          <h2>Stages so far</h2>
          <Story run={run} />
        </section>
      ) : null}
      <section aria-label="What it is">
        <h2>What it is</h2>
        <dl className={styles.facts}>
          {asked.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <Expression text={String(value)} />
              </dd>
            </div>
          ))}
        </dl>
      </section>
      <section aria-label="Runs before">
        <h2>Runs before</h2>
        {of.history.length === 0 ? <p className="dim">This is the first one.</p> : null}
        <ul className={styles.story}>
          {of.history.map((one) => (
            <li key={one.number}>
              <details>
                <summary>
                  <Standing run={one} /> <Versions run={one} /> <Ago at={one.ended ?? one.stage_began} />
                </summary>
                {one.reason === '' ? null : (
                  <p>
                    <Value text={one.reason} />
                  </p>
                )}
                <StageBar stages={of.stages} run={one} />
                <Story run={one} />
              </details>
            </li>
          ))}
        </ul>
      </section>
      {deed ? <DeedDialog of={of} deed={deed} whyNot={whyNot} onClose={() => setDeed(null)} /> : null}
    </div>
  );
}

/** One rollout with all its runs, over the right of the page. */
export function RolloutDrawer(props: {
  name: string;
  refreshMs: number;
  whyNot: string | null;
  onClose: () => void;
}): ReactElement {
  const { name, refreshMs, whyNot, onClose } = props;
  const answer = useAsked({
    key: ['rollout', name],
    ask: async (asking) => (await askRollout(name, asking)).data,
    refreshMs,
  });
  return (
    <Drawer open wide onClose={onClose} title={<Value text={name} />}>
      <Unreadable what="The rollout" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {answer.isPending ? <Skeleton kind="text" label="The rollout" rows={6} /> : null}
      {answer.data ? <Details of={answer.data} whyNot={whyNot} /> : null}
    </Drawer>
  );
}
