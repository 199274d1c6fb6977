import type { ReactElement } from 'react';
import { PageLink } from '../address/PageLink';
import { openEscalations, type Escalation } from '../api/oncall';
import { waitingResponses } from '../api/responses';
import { useAsked } from '../api/useAsked';
import { formatSeconds } from '../design/format';
import { useNow } from '../design/hooks';
import { Note } from '../design/parts';
import { Value } from '../design/Value';

function Next({ of }: { of: Escalation }): ReactElement {
  const now = useNow(1_000);
  const told = of.told[of.level_name] ?? [];
  const left = of.next === null ? 0 : Math.max(0, Math.round((Date.parse(of.next) - now) / 1000));
  return (
    <Note level="info">
      {of.level === 0 ? (
        'Nobody is told yet'
      ) : (
        <>
          Nobody has acknowledged since <Value text={of.level_name} /> was told
          {told.length === 0 ? null : (
            <>
              {' '}
              (<Value text={told.join(', ')} />)
            </>
          )}
        </>
      )}
      {of.next === null || of.next_level === '' ? (
        ', and nobody is told after that'
      ) : (
        <>
          . In {formatSeconds(left)} it is <Value text={of.next_level} />:{' '}
          <Value text={of.next_targets.join(', ')} />
        </>
      )}
      . <PageLink page="onCall">Who is on call</PageLink>
    </Note>
  );
}

/** What somebody has to know who looks at an alert: who is told next, and what waits for their approval. */
export function Waiting({ id, refreshMs }: { id: string; refreshMs: number }): ReactElement {
  const running = useAsked({ key: ['escalations'], ask: openEscalations, refreshMs });
  const waiting = useAsked({ key: ['responses', 'waiting'], ask: waitingResponses, refreshMs });
  const escalated = (running.data?.data ?? []).find(
    ({ alerts, status }) => status === 'telling' && alerts[id] === 'firing',
  );
  return (
    <>
      {escalated ? <Next of={escalated} /> : null}
      {(waiting.data?.data ?? [])
        .filter(({ fingerprint }) => fingerprint === id)
        .map((one) => (
          <Note level="warn" key={one.id}>
            The action <Value text={one.action} /> waits for approval.{' '}
            <PageLink page="responses" search={{ response: one.id }}>
              Look at it
            </PageLink>
          </Note>
        ))}
    </>
  );
}
