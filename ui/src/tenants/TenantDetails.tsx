import { useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { tenantTokens } from '../api/accounts';
import {
  changeLimits,
  limitsOf,
  usageOf,
  type LimitsOfTenant,
  type Tenant,
  type UsageOfTenant,
} from '../api/tenants';
import type { Protection, Wanted } from '../api/governance';
import { useAddress } from '../address/hooks';
import { Drawer } from '../design/Drawer';
import { EmptyState } from '../design/EmptyState';
import { TextField } from '../design/fields';
import { formatCount, formatInstant, formatValue } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { Sparkline } from '../design/Sparkline';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { Tabs } from '../design/Tabs';
import { toasts } from '../design/toasts';
import { useKept } from '../design/unsaved';
import { Value } from '../design/Value';
import { Propose } from '../governance/Propose';
import { needsOf, ruleOf } from '../governance/rules';
import { useRules } from '../governance/useRules';
import { permissionsIn, useSession, type Permission } from '../session/session';
import { whyNot } from '../session/lacking';
import { useDeed } from '../session/useDeed';
import { boundsOf, changedLimits, changesOf, policyOf, readLimit, shownLimit, wordsOf } from './limits';
import { lastDay, namedTokens, type TokenUsage } from './usage';
import styles from './tenants.module.css';

function LimitForm(props: {
  tenant: Tenant;
  found: LimitsOfTenant;
  /** Why they cannot be changed directly; null where they can. */
  whyNot: string | null;
  /** What protects policies, to who may propose. */
  rules: readonly Protection[];
}): ReactElement {
  const { tenant, found, rules } = props;
  const { own, limits, defaults } = found;
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({});
  const deed = useDeed();
  const kept = useKept();
  const text = (name: string): string => typed[name] ?? String(own[name] ?? '');
  const names = Object.keys(limits);
  const wrong = names.filter((name) => 'error' in readLimit(name, text(name)));
  const changes = changedLimits(own, typed);
  const isProtected = (policy: string): boolean => ruleOf(rules, policy, tenant.id) !== undefined;
  const direct = changesOf(changes, (policy) => !isProtected(policy));
  // Two policies are two proposals: one after the other.
  const proposed = Object.keys(changes).map(policyOf).find(isProtected);
  const [proposing, setProposing] = useState<Wanted | null>(null);
  const rule = proposing ? ruleOf(rules, proposing.policy, tenant.id) : undefined;
  const guarded = (['limits', 'retention'] as const).flatMap((policy) => {
    const found_ = ruleOf(rules, policy, tenant.id);
    return found_
      ? [
          `${policy === 'limits' ? 'Limits are' : 'Retention is'} protected: propose a change, it needs ${needsOf(found_)}.`,
        ]
      : [];
  });
  const forget = (gone: Readonly<Record<string, unknown>>): void =>
    setTyped((now) => Object.fromEntries(Object.entries(now).filter(([name]) => !(name in gone))));
  const hintOf = (name: string): string => {
    const { hint } = wordsOf(name);
    const usual = own[name] === undefined ? limits[name] : defaults[name];
    const said = usual === undefined ? '' : `as for everybody: ${shownLimit(usual)}`;
    return [hint, said].filter(Boolean).join('; ');
  };
  return (
    <>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          void deed
            .run(() => changeLimits(tenant.id, direct))
            .then((result) => {
              if (!result) return;
              forget(direct);
              kept();
              toasts.show({ level: 'ok', text: 'The limits hold from now on.' });
            });
        }}
      >
        <p className="dim">
          {guarded.length === 2
            ? 'Empty is as for everybody; 0 is no limit.'
            : (props.whyNot ?? 'Empty is as for everybody; 0 is no limit. Changes hold at once.')}
        </p>
        {guarded.length > 0 ? <Note level="info">{guarded.join(' ')}</Note> : null}
        <div className={styles.limits}>
          {names.map((name) => {
            const read = readLimit(name, text(name));
            return (
              <TextField
                key={name}
                label={wordsOf(name).label}
                hint={hintOf(name)}
                placeholder={shownLimit(limits[name])}
                error={'error' in read ? read.error : undefined}
                disabled={props.whyNot !== null && !isProtected(policyOf(name))}
                inputMode={wordsOf(name).kind === 'count' ? 'numeric' : 'text'}
                value={text(name)}
                onChange={(value) => setTyped({ ...typed, [name]: value })}
              />
            );
          })}
        </div>
        {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
        <div className="form-actions">
          <button
            type="button"
            className="button"
            onClick={() => setTyped({})}
            disabled={!Object.keys(changes).length}
          >
            Undo
          </button>
          {proposed === undefined ? null : (
            <button
              type="button"
              className="button primary"
              disabled={wrong.length > 0}
              onClick={() => {
                const bounds = boundsOf(changesOf(changes, (policy) => policy === proposed));
                setProposing({
                  action: 'limits.set',
                  policy: proposed,
                  place: tenant.id,
                  change: { bounds },
                });
              }}
            >
              Propose this change…
            </button>
          )}
          {proposed !== undefined && Object.keys(direct).length === 0 ? null : (
            <button
              type="submit"
              className="button primary"
              disabled={deed.busy || wrong.length > 0 || Object.keys(direct).length === 0}
            >
              Save
            </button>
          )}
        </div>
      </form>
      {proposing && rule ? (
        <Propose
          wanted={proposing}
          rule={rule}
          onClose={() => setProposing(null)}
          onDone={() => forget(changesOf(changes, (policy) => policy === proposing.policy))}
        />
      ) : null}
    </>
  );
}

const MEASURES: readonly (readonly [string, string, 'count' | 'bytes'])[] = [
  ['samples', 'samples taken in', 'count'],
  ['bytes', 'bytes received', 'bytes'],
  ['queries', 'queries', 'count'],
  ['samples_read', 'samples read', 'count'],
  ['refused', 'refused by limits', 'count'],
];

function Totals({ used }: { used: UsageOfTenant }): ReactElement {
  const { utc } = usePageClock();
  return (
    <dl className={styles.totals}>
      <div>
        <dt>active series</dt>
        <dd>{formatCount(used.active_series)}</dd>
      </div>
      {MEASURES.map(([measure, label, unit]) => (
        <div key={measure}>
          <dt>{label}</dt>
          <dd>
            {formatValue(used.totals[measure] ?? 0, unit)}
            {used.hours.length > 1 ? (
              <Sparkline
                label={`${label} by hour, to ${formatInstant(Date.parse(used.hours.at(-1)?.hour ?? ''), utc)}`}
                values={used.hours.map((hour) => Number(hour[measure] ?? 0))}
                unit={unit}
                height={22}
              />
            ) : null}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function amount(name: string, title: string, unit: 'count' | 'bytes'): TableColumn<TokenUsage> {
  return { id: name, title, kind: 'number', unit, value: ({ amounts }) => amounts[name] ?? 0 };
}

const TOKEN_COLUMNS: readonly TableColumn<TokenUsage>[] = [
  { id: 'name', title: 'by', value: ({ name }) => name, cell: ({ name }) => <Value text={name} /> },
  amount('samples', 'samples', 'count'),
  amount('bytes', 'received', 'bytes'),
  amount('queries', 'queries', 'count'),
  amount('refused', 'refused', 'count'),
];

type MetricUsage = NonNullable<UsageOfTenant['metrics']>[number];

const METRIC_COLUMNS: readonly TableColumn<MetricUsage>[] = [
  { id: 'metric', title: 'metric', value: ({ metric }) => metric },
  { id: 'samples', title: 'samples', kind: 'number', unit: 'count', value: ({ samples }) => samples },
  { id: 'series', title: 'series', kind: 'number', unit: 'count', value: ({ series }) => series },
];

function Usage({ tenant, tokens }: { tenant: Tenant; tokens: boolean }): ReactElement {
  const now = useNow(60_000);
  const [by, setBy] = useState<'token' | 'metric'>('token');
  const range = lastDay(now);
  const answer = useQuery({
    queryKey: [tenant.id, 'usage', by, range.end],
    queryFn: ({ signal }) => usageOf(tenant.id, { ...range, by }, { tenant: null, signal }),
    placeholderData: (before) => before,
  });
  const known = useQuery({
    queryKey: [tenant.id, 'tokens'],
    queryFn: ({ signal }) => tenantTokens({ tenant: tenant.id, signal }),
    enabled: tokens,
  });
  const used = answer.data?.data;
  const none = <EmptyState reason="none-yet" title="Nothing in the last 24 hours" />;
  return (
    <div className="form">
      <p className="dim">The last 24 hours.</p>
      <Unreadable what="What it used" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {used ? <Totals used={used} /> : answer.error ? null : <Skeleton kind="tile" label="Usage" />}
      {used ? (
        <Tabs
          label="Usage by"
          value={by}
          onChange={(id) => setBy(id === 'metric' ? 'metric' : 'token')}
          tabs={[
            {
              id: 'token',
              label: 'By token',
              content: (
                <DataTable
                  label="Usage by token"
                  tall="narrow"
                  bare
                  columns={TOKEN_COLUMNS}
                  rows={namedTokens(used.tokens ?? {}, known.data?.data ?? [])}
                  rowKey={({ id }) => id}
                  sort={{ id: 'samples', desc: true }}
                  empty={none}
                />
              ),
            },
            {
              id: 'metric',
              label: 'By metric',
              content: (
                <DataTable
                  label="Usage by metric"
                  tall="narrow"
                  bare
                  columns={METRIC_COLUMNS}
                  rows={used.metrics ?? []}
                  rowKey={({ metric }) => metric}
                  sort={{ id: 'samples', desc: true }}
                  empty={none}
                />
              ),
            },
          ]}
        />
      ) : null}
    </div>
  );
}

function Limits({ tenant, may }: { tenant: Tenant; may: (permission: Permission) => boolean }): ReactElement {
  const answer = useQuery({
    queryKey: [tenant.id, 'limits'],
    queryFn: ({ signal }) => limitsOf(tenant.id, { tenant: null, signal }),
  });
  const rules = useRules(tenant.id, may('governance.propose'));
  return (
    <>
      <Unreadable what="The limits" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {answer.data ? (
        <LimitForm
          tenant={tenant}
          found={answer.data.data}
          rules={rules}
          whyNot={whyNot(may, 'limits.change', 'Limits are changed')}
        />
      ) : answer.error ? null : (
        <Skeleton kind="table" label="The limits" rows={6} />
      )}
    </>
  );
}

/** One tenant: what it uses, and what it may. */
export function TenantDetails({
  tenant,
  onClose,
}: {
  tenant: Tenant | undefined;
  onClose: () => void;
}): ReactElement {
  const { me } = useSession();
  const { search, setOwn } = useAddress();
  const granted = me && tenant ? permissionsIn(me, tenant.id) : null;
  const may = (permission: Permission): boolean => granted === null || granted.includes(permission);
  return (
    <Drawer
      open={tenant !== undefined}
      onClose={onClose}
      title={<Value text={tenant?.name.slice(0, 150) ?? ''} />}
      wide
    >
      {tenant ? (
        <Tabs
          label="Of the tenant"
          value={search.part === 'limits' ? 'limits' : 'usage'}
          onChange={(part) => setOwn({ part: part === 'usage' ? undefined : part }, true)}
          tabs={[
            { id: 'usage', label: 'Usage', content: <Usage tenant={tenant} tokens={may('tokens.manage')} /> },
            ...(may('limits.view')
              ? [{ id: 'limits', label: 'Limits', content: <Limits tenant={tenant} may={may} /> }]
              : []),
          ]}
        />
      ) : null}
    </Drawer>
  );
}
