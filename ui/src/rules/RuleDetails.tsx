import { useState, type ReactElement, type ReactNode } from 'react';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import type { AlertView } from '../api/alerts';
import { keptGroup, replay, type Replay } from '../api/rules';
import { ALERT_NAME } from '../alerts/alerts';
import { Ago, StateChip } from '../alerts/parts';
import { Button } from '../design/Button';
import { CodeView } from '../design/CodeView';
import { formatSeconds } from '../design/format';
import { Icon } from '../design/Icon';
import { Note } from '../design/parts';
import { LabelSet, Value } from '../design/Value';
import { useDeed } from '../session/useDeed';
import { Backtest } from './Backtest';
import { ruleFile } from './draft';
import { LAST } from './outcome';
import { Evaluated, StandingChip } from './parts';
import { alertsOf, groupKey, type RuleRow } from './rows';
import styles from './rules.module.css';

/** Alerts that are listed. */
const LISTED = 20;

function Alerts({ row, known }: { row: RuleRow; known: readonly AlertView[] }): ReactElement {
  const found = alertsOf(row, known);
  if (found.length === 0) return <span className="dim">none</span>;
  return (
    <ul className={styles.firings}>
      {found.slice(0, LISTED).map((alert) => (
        <li key={alert.fingerprint}>
          <PageLink page="alert" search={{ id: alert.fingerprint }}>
            <Value text={alert.labels[ALERT_NAME] ?? alert.fingerprint} />
          </PageLink>
          <StateChip alert={alert} />
          <span className="dim">
            since <Ago at={alert.since} />
          </span>
          <LabelSet labels={alert.labels} without={[ALERT_NAME, ...Object.keys(row.rule.labels)]} />
        </li>
      ))}
      {found.length > LISTED ? <li className="dim">and {found.length - LISTED} more</li> : null}
    </ul>
  );
}

function Facts({ row, known }: { row: RuleRow; known: readonly AlertView[] }): ReactElement {
  const { rule } = row;
  const annotations = Object.entries(rule.annotations ?? {});
  const facts: readonly (readonly [string, ReactNode])[] = [
    ['State', <StandingChip rule={rule} />],
    [
      'Group',
      <>
        <Value text={row.group} /> of <Value text={row.file} mono />, every {formatSeconds(row.intervalS)}
      </>,
    ],
    ...(rule.lastError === undefined
      ? []
      : [
          [
            'Why it failed',
            <span className={styles.fault}>
              <Icon name="error" size={13} /> <Value text={rule.lastError} />
            </span>,
          ] as const,
        ]),
    [
      'Expression',
      <CodeView
        text={rule.query}
        label="the expression"
        language={rule.language === undefined ? 'promql' : 'text'}
        wrap
        numbered={false}
      />,
    ],
    ['Evaluated', <Evaluated rule={rule} />],
    ...(rule.type === 'recording'
      ? []
      : [
          ['Fires', rule.duration ? `once it holds for ${formatSeconds(rule.duration)}` : 'at once'] as const,
          ...(rule.keepFiringFor
            ? [['Fires on', `for ${formatSeconds(rule.keepFiringFor)} afterwards`] as const]
            : []),
        ]),
    ...(Object.keys(rule.labels).length === 0
      ? []
      : [['Labels', <LabelSet labels={rule.labels} />] as const]),
    ...annotations.map(
      ([name, value]) =>
        [
          name,
          value.split(/\r?\n/u).map((line, i) => (
            <div key={i}>
              <Value text={line === '' ? ' ' : line} />
            </div>
          )),
        ] as const,
    ),
    ...(rule.type === 'recording' ? [] : [['Alerts', <Alerts row={row} known={known} />] as const]),
  ];
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>
            <Value text={name} />
          </dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** All that is known of one rule, and what it would have done in the last week. */
export function RuleDetails(props: {
  row: RuleRow;
  known: readonly AlertView[];
  /** Why groups cannot be changed; null where they can. */
  whyNot: string | null;
  onEdit: (key: string) => void;
}): ReactElement {
  const { row, known, whyNot, onEdit } = props;
  const { tenant } = useAddress();
  const [tried, setTried] = useState<Replay | null>(null);
  const deed = useDeed();
  const at = Number(row.key.slice(row.key.lastIndexOf('/') + 1));
  const attempt = async (): Promise<void> => {
    const found = await deed.run(async () => {
      const { group } = await keptGroup(row.namespace, row.group, { tenant });
      const rules = group.rules.filter((_, i) => i === at);
      return replay({ rules: ruleFile([{ ...group, rules }]), last: LAST }, { tenant });
    });
    if (found) setTried(found.done);
  };
  return (
    <>
      <Facts row={row} known={known} />
      {tried ? <Backtest replay={tried} /> : null}
      {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
      <div className="row wrap">
        {row.rule.language === undefined ? (
          <PageLink page="explore" className="button" search={{ q0: row.rule.query }}>
            Explore the expression
          </PageLink>
        ) : null}
        {row.rule.type === 'alerting' && tried === null ? (
          <button type="button" className="button" disabled={deed.busy} onClick={() => void attempt()}>
            {deed.busy ? 'Trying…' : 'What it would have told in 7 days'}
          </button>
        ) : null}
        <Button whyNot={whyNot} onClick={() => onEdit(groupKey(row.namespace, row.group))}>
          Edit the group
        </Button>
      </div>
    </>
  );
}
