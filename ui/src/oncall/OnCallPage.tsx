import clsx from 'clsx';
import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { ALERT_NAME } from '../alerts/alerts';
import { PageLink } from '../address/PageLink';
import {
  calendarOf,
  definitions,
  dropOverride,
  escalateNow,
  onCallNow,
  openEscalations,
  shiftsOf,
  type Escalation,
  type Kind,
  type OnCall,
  type Shifts,
  type Version,
} from '../api/oncall';
import { useSaved } from '../api/saved';
import { useAsked } from '../api/useAsked';
import { Button } from '../design/Button';
import { EmptyState } from '../design/EmptyState';
import { formatInstant, formatSeconds } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { LabelSet, Value } from '../design/Value';
import { visibleText } from '../design/value';
import { Body, Page, PageHead } from '../page/Page';
import { useMay } from '../session/session';
import { whyNot } from '../session/lacking';
import { useDeed } from '../session/useDeed';
import { EditDefinition, NewOverride, NewSchedule } from './Forms';
import { ScheduleForm } from './ScheduleForm';
import { barsOf, daysBetween, gapsOf, type Bar } from './lanes';
import styles from './oncall.module.css';

const DAY_MS = 86_400_000;
const SHOWN_DAYS = 14;
const DAY_NAME = { weekday: 'short', day: 'numeric' } as const;

type Doing =
  | { what: 'schedule' }
  | { what: 'override'; schedule: string; people: readonly string[] }
  | { what: 'edit'; kind: Kind; version: Version | null };

function minute(ms: number): number {
  return Math.floor(ms / 60_000) * 60_000;
}

function Now({ one }: { one: OnCall }): ReactElement {
  const now = useNow(10_000);
  const until = one.until === null ? null : Date.parse(one.until);
  return (
    <section className={clsx('panel card', styles.card)} aria-label={`On call: ${visibleText(one.schedule)}`}>
      <span className="dim">
        <Value text={one.schedule} />
      </span>
      <span className={styles.who}>
        {one.people.length === 0 ? (
          <span className="pill bad">nobody</span>
        ) : (
          <Value text={one.people.join(', ')} />
        )}
      </span>
      <span className="dim">
        {until === null ? 'for good' : `for ${formatSeconds(Math.max(0, Math.round((until - now) / 1000)))}`}
        {one.next.length === 0 ? null : (
          <>
            , then <Value text={one.next.join(', ')} />
          </>
        )}
      </span>
    </section>
  );
}

function Line(props: {
  name: string;
  bars: readonly Bar[];
  gaps?: readonly Bar[];
  nowAt: number;
}): ReactElement {
  const { name, bars, gaps = [], nowAt } = props;
  const { utc } = usePageClock();
  const when = (bar: Bar): string =>
    `${formatInstant(minute(bar.fromMs), utc)} to ${formatInstant(minute(bar.toMs), utc)}`;
  return (
    <div className={styles.lane}>
      <span className={styles.name}>
        <Value text={name} />
      </span>
      <div className={styles.line} role="list" aria-label={`Shifts of ${visibleText(name)}`}>
        {bars.map((bar) => (
          <div
            key={bar.fromMs}
            role="listitem"
            className={clsx(styles.bar, bar.isInstead && styles.instead)}
            style={{ left: `${bar.left}%`, width: `${bar.width}%` }}
            title={visibleText(`${bar.people.join(', ')}, ${when(bar)} (${bar.source})`)}
          >
            <span className={styles.says}>
              <Value text={bar.people.join(', ')} />
            </span>
          </div>
        ))}
        {gaps.map((bar) => (
          <div
            key={`gap ${bar.fromMs}`}
            role="listitem"
            className={clsx(styles.bar, styles.gap)}
            style={{ left: `${bar.left}%`, width: `${bar.width}%` }}
            title={`nobody, ${when(bar)}`}
          >
            <span className={styles.says}>nobody</span>
          </div>
        ))}
        {nowAt >= 0 && nowAt <= 100 ? <span className={styles.now} style={{ left: `${nowAt}%` }} /> : null}
      </div>
    </div>
  );
}

function Overrides({ shifts }: { shifts: Shifts }): ReactElement | null {
  const { tenant } = useAddress();
  const { utc } = usePageClock();
  const deed = useDeed();
  if (shifts.overrides.length === 0) return null;
  return (
    <ul className={styles.list} aria-label="Who stands in">
      {shifts.overrides.map((one) => (
        <li key={one.id}>
          <Value text={one.people.join(', ')} />
          <span className="dim">
            {formatInstant(minute(Date.parse(one.start)), utc)} to{' '}
            {formatInstant(minute(Date.parse(one.end)), utc)}
          </span>
          <Value text={one.reason === '' ? '–' : one.reason} />
          <button
            type="button"
            className="button quiet"
            disabled={deed.busy}
            onClick={() => void deed.run(() => dropOverride(shifts.schedule, one.id, { tenant }))}
          >
            Take back
          </button>
          {deed.error ? <span className="pill bad">{deed.error.message}</span> : null}
        </li>
      ))}
    </ul>
  );
}

/** Who is on call by a schedule in the next two weeks, layer by layer. */
function Calendar(props: { version: Version; fromMs: number; onDo: (doing: Doing) => void }): ReactElement {
  const { version, fromMs, onDo } = props;
  const { tenant } = useAddress();
  const saved = useSaved();
  const { utc } = usePageClock();
  const may = useMay();
  const now = useNow(60_000);
  const toMs = fromMs + SHOWN_DAYS * DAY_MS;
  const span = { start: new Date(fromMs).toISOString(), end: new Date(toMs).toISOString() };
  const answer = useAsked({
    key: ['shifts', version.name, version.version, span.start],
    ask: (asking) => shiftsOf(version.name, span, asking),
    refreshMs: 60_000,
    keep: true,
  });
  const shifts = answer.data?.data;
  const people = shifts
    ? [...new Set(shifts.layers.flatMap((one) => one.shifts.flatMap((two) => two.people)))]
    : [];
  const nowAt = ((now - fromMs) / (toMs - fromMs)) * 100;
  const ahead = shifts?.gaps.filter(({ end }) => Date.parse(end) > now) ?? [];
  const edits = whyNot(may, 'alerts.configure', 'Schedules are changed');
  return (
    <section className="panel card" aria-label={`Schedule ${visibleText(version.name)}`}>
      <header className={styles.head}>
        <h2>
          <Value text={version.name} />
        </h2>
        <span className="dim">{shifts?.time_zone}</span>
        <span className="grow" />
        <Button
          whyNot={whyNot(may, 'alerts.acknowledge', 'Shifts are taken over')}
          onClick={() => onDo({ what: 'override', schedule: version.name, people })}
        >
          Stand in
        </Button>
        <Button whyNot={edits} onClick={() => onDo({ what: 'edit', kind: 'schedules', version })}>
          Change
        </Button>
        {/* A link could not say of which tenant. */}
        <button
          type="button"
          className="button quiet"
          disabled={saved.busy}
          onClick={() => void saved.run(calendarOf(version.name), `${version.name}.ics`, tenant)}
        >
          iCal
        </button>
      </header>
      <Unreadable what="Its shifts" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {shifts === undefined ? (
        answer.error ? null : (
          <Skeleton kind="text" label="Its shifts" rows={3} />
        )
      ) : (
        <>
          {ahead.length > 0 ? (
            <div className={styles.warned}>
              <Note level="warn">
                Nobody is on call in {ahead.length} {ahead.length === 1 ? 'stretch' : 'stretches'} of the next
                two weeks, first from {formatInstant(minute(Date.parse(ahead[0]?.start ?? '')), utc)}.
              </Note>
            </div>
          ) : null}
          <div className={styles.lane}>
            <span />
            <div className={styles.days} aria-hidden="true">
              {daysBetween(fromMs, toMs, utc)
                .filter((ms, i) => i % 2 === 0 && ms <= toMs - DAY_MS)
                .map((ms) => (
                  <span key={ms} style={{ left: `${((ms - fromMs) / (toMs - fromMs)) * 100}%` }}>
                    {new Date(ms).toLocaleDateString('en', {
                      ...DAY_NAME,
                      ...(utc ? { timeZone: 'UTC' } : {}),
                    })}
                  </span>
                ))}
            </div>
          </div>
          <Line
            name="on call"
            bars={barsOf(shifts.final, fromMs, toMs)}
            gaps={gapsOf(shifts.gaps, fromMs, toMs)}
            nowAt={nowAt}
          />
          {shifts.layers.length > 1
            ? shifts.layers.map((layer) => (
                <Line
                  key={layer.name}
                  name={layer.name}
                  bars={barsOf(layer.shifts, fromMs, toMs)}
                  nowAt={nowAt}
                />
              ))
            : null}
          <Overrides shifts={shifts} />
        </>
      )}
    </section>
  );
}

/** Alerts of one escalation that are named. */
const NAMED = 3;

/** What is escalated: its alerts by their labels, for a fingerprint tells people nothing. */
function Escalated({ of }: { of: Escalation }): ReactElement {
  const all = Object.keys(of.alerts);
  if (all.length === 0) return <Value text={of.group_key} />;
  return (
    <span className={styles.alerts}>
      {all.slice(0, NAMED).map((fingerprint) => {
        const labels = of.labels[fingerprint] ?? {};
        return (
          <span key={fingerprint}>
            <PageLink page="alert" search={{ id: fingerprint }}>
              <Value text={labels[ALERT_NAME] ?? fingerprint} />
            </PageLink>{' '}
            <LabelSet labels={labels} without={[ALERT_NAME]} />
          </span>
        );
      })}
      {all.length > NAMED ? <span className="dim">and {all.length - NAMED} more</span> : null}
    </span>
  );
}

/** Why nobody is told for now, by how it stands with an escalation. */
const RESTS: Readonly<Record<string, string>> = {
  acknowledged: 'rests: somebody sees to it',
  held: 'rests: its alerts are held back',
};

/** Chains that go on now, and how far each is. */
function Running({ all }: { all: readonly Escalation[] }): ReactElement | null {
  const { tenant } = useAddress();
  const may = useMay();
  const now = useNow(1_000);
  const deed = useDeed();
  if (all.length === 0) return null;
  const why = whyNot(may, 'alerts.escalate', 'The next level is told at once');
  // One whose alerts somebody sees to is open still: it goes on when that runs out.
  const waits = all.some(({ status }) => !(status in RESTS));
  return (
    <section className="panel card" aria-label="Escalations that go on">
      <header className={styles.head}>
        <h2>{waits ? 'Nobody has reacted yet' : 'Escalations that rest'}</h2>
      </header>
      {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
      <ul className={styles.list}>
        {all.map((one) => (
          <li key={one.id}>
            <Escalated of={one} />
            <span>
              <Value text={one.policy} />: {one.level === 0 ? 'nobody is told yet' : `level ${one.level}`}
              {one.level_name === '' ? null : (
                <>
                  {' '}
                  (<Value text={one.level_name} />)
                </>
              )}
            </span>
            {one.quorum > 1 ? (
              <span>
                {one.votes.length} of {one.quorum} acknowledged
                {one.votes.length === 0 ? null : `: ${one.votes.join(', ')}`}
              </span>
            ) : null}
            <span className="dim">
              {one.next === null
                ? (RESTS[one.status] ?? 'nobody is told any more')
                : `next in ${formatSeconds(Math.max(0, Math.round((Date.parse(one.next) - now) / 1000)))}`}
            </span>
            <Button
              whyNot={why}
              disabled={deed.busy}
              onClick={() => void deed.run(() => escalateNow(one.id, { tenant }))}
            >
              Tell the next level now
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Policies(props: {
  policies: readonly Version[];
  why: string | null;
  onDo: (doing: Doing) => void;
}): ReactElement {
  const { policies, why, onDo } = props;
  const edit = (version: Version | null): void =>
    onDo({ what: 'edit', kind: 'escalation_policies', version });
  const add = (
    <Button whyNot={why} onClick={() => edit(null)}>
      New policy
    </Button>
  );
  return (
    <section className="panel card" aria-label="Escalation policies">
      <header className={styles.head}>
        <h2>Escalation</h2>
        <span className="grow" />
        {add}
      </header>
      {policies.length === 0 ? (
        <p className="dim">
          No policy: alerts go to their receivers, and when nobody reacts nobody else is told.
        </p>
      ) : (
        <ul className={styles.list}>
          {policies.map((one) => {
            const levels = Array.isArray(one.document?.['levels']) ? one.document['levels'] : [];
            return (
              <li key={one.name}>
                <b>
                  <Value text={one.name} />
                </b>
                <span className="dim">
                  {levels.length} {levels.length === 1 ? 'level' : 'levels'}, version {one.version} by{' '}
                  <Value text={one.by} />
                </span>
                <Button className="button quiet" whyNot={why} onClick={() => edit(one)}>
                  Change
                </Button>
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}

export default function OnCallPage(): ReactElement {
  const { refreshMs } = useAddress();
  const may = useMay();
  const [doing, setDoing] = useState<Doing | null>(null);
  const [fromMs] = useState(() => Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS);
  const who = useAsked({ key: ['on call'], ask: onCallNow, refreshMs });
  const schedules = useAsked({ key: ['schedules'], ask: (asking) => definitions('schedules', asking) });
  const policies = useAsked({
    key: ['escalation policies'],
    ask: (asking) => definitions('escalation_policies', asking),
  });
  const running = useAsked({ key: ['escalations'], ask: openEscalations, refreshMs });
  const edits = whyNot(may, 'alerts.configure', 'Schedules are changed');
  const kept = schedules.data?.data.filter(({ document }) => document !== null);
  const close = (): void => setDoing(null);
  const create = (
    <Button className="button primary" whyNot={edits} onClick={() => setDoing({ what: 'schedule' })}>
      New schedule
    </Button>
  );
  return (
    <Page>
      <PageHead title="On call" actions={create} />
      <Body>
        <Unreadable what="Who is on call" error={who.error} asOfMs={who.dataUpdatedAt} />
        <Unreadable what="The schedules" error={schedules.error} asOfMs={schedules.dataUpdatedAt} />
        <Unreadable what="Escalations" error={running.error} asOfMs={running.dataUpdatedAt} />
        <Running all={running.data?.data ?? []} />
        {who.data ? (
          <div className={styles.cards}>
            {who.data.data.on_call.map((one) => (
              <Now key={one.schedule} one={one} />
            ))}
          </div>
        ) : null}
        {schedules.isPending ? <Skeleton kind="chart" label="The schedules" /> : null}
        {kept?.length === 0 ? (
          <EmptyState reason="none-yet" title="Nobody is on call" actions={create}>
            A schedule says who is woken: people who take turns, with those who stand in. Escalation policies
            lead to it.
          </EmptyState>
        ) : null}
        {kept?.map((version) => (
          <Calendar key={version.name} version={version} fromMs={fromMs} onDo={setDoing} />
        ))}
        {policies.data ? (
          <Policies
            policies={policies.data.data.filter(({ document }) => document !== null)}
            why={whyNot(may, 'alerts.configure', 'Policies are changed')}
            onDo={setDoing}
          />
        ) : null}
      </Body>
      {doing?.what === 'schedule' ? <NewSchedule onClose={close} /> : null}
      {doing?.what === 'override' ? (
        <NewOverride schedule={doing.schedule} people={doing.people} onClose={close} />
      ) : null}
      {doing?.what === 'edit' && doing.kind === 'schedules' && doing.version !== null ? (
        <ScheduleForm version={doing.version} onClose={close} />
      ) : doing?.what === 'edit' ? (
        <EditDefinition kind={doing.kind} version={doing.version} onClose={close} />
      ) : null}
    </Page>
  );
}
