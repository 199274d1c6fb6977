import { useState, type ReactElement } from 'react';
import { protect, type Place, type Protection, type Wanted } from '../api/governance';
import { Button } from '../design/Button';
import { Dialog } from '../design/Confirm';
import { EmptyState } from '../design/EmptyState';
import { CheckField, ChoiceField, TextField } from '../design/fields';
import { Icon } from '../design/Icon';
import { Menu } from '../design/Menu';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { toasts } from '../design/toasts';
import { Value } from '../design/Value';
import { NoValue } from '../design/NoValue';
import { Propose } from '../governance/Propose';
import { POLICIES, ruleOf } from '../governance/rules';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { formatDuration, parseDuration } from '../time/durations';

const DAY_MS = 86_400_000;

function whole(typed: string, least: number, most: number): number | null {
  const text = typed.trim();
  const number = Number(text);
  return /^\d+$/u.test(text) && number >= least && number <= most ? number : null;
}

function place(id: Place): string {
  return id ?? 'all tenants and the server';
}

function Edit(props: {
  /** Null to protect one that is not. */
  rule: Protection | null;
  tenant: string;
  everywhere: boolean;
  rules: readonly Protection[];
  onClose: () => void;
  /** It is protected already, so that its rule is changed by a proposal. */
  onPropose: (wanted: Wanted) => void;
}): ReactElement {
  const { rule, tenant, everywhere, rules, onClose, onPropose } = props;
  const [policy, setPolicy] = useState<string>(rule?.policy ?? 'limits');
  const [where, setWhere] = useState<Place>(rule ? rule.tenant_id : tenant);
  const [approvals, setApprovals] = useState(String(rule?.approvals ?? 1));
  const [percent, setPercent] = useState(String(rule?.percent ?? 0));
  const [lasts, setLasts] = useState(formatDuration(rule?.lasts_ms ?? 7 * DAY_MS));
  const [reasons, setReasons] = useState(rule?.reasons ?? false);
  const deed = useDeed();
  const count = whole(approvals, 1, 100);
  const share = whole(percent, 0, 100);
  const ms = parseDuration(lasts.trim());
  const isProtected = ruleOf(rules, policy, where) !== undefined;
  return (
    <Dialog
      open
      onClose={onClose}
      title={rule ? `Change what ${rule.policy} needs` : 'Protect a policy'}
      alert
    >
      <DeedForm
        deed={deed}
        action={isProtected ? 'Propose…' : 'Protect'}
        ready={count !== null && share !== null && ms !== null}
        send={() => {
          if (count === null || share === null || ms === null) return;
          const needs = { approvals: count, percent: share, lasts_ms: ms, reasons };
          if (isProtected)
            onPropose({ action: 'protection.set', policy, place: where, change: { policy, ...needs } });
          else
            void deed
              .run(() => protect(policy, where, needs, tenant))
              .then((result) => {
                if (!result) return;
                toasts.show({ level: 'ok', text: `The policy ${policy} is protected.` });
                onClose();
              });
        }}
        onCancel={onClose}
      >
        {rule ? null : (
          <ChoiceField
            label="Policy"
            options={POLICIES}
            value={policy}
            onChange={(value) => setPolicy(value ?? policy)}
          />
        )}
        {rule || !everywhere ? (
          <p className="dim">
            In <Value text={place(where)} />
          </p>
        ) : (
          <CheckField
            label="In all tenants, and of the whole server"
            checked={where === null}
            onChange={(on) => setWhere(on ? null : tenant)}
          />
        )}
        <TextField
          label="Approvals"
          hint="Of people other than who proposes"
          inputMode="numeric"
          error={count === null ? 'a whole number from 1 to 100' : undefined}
          value={approvals}
          onChange={setApprovals}
        />
        <TextField
          label="Share in %"
          hint="Of those who may approve, as well as the number; 0 for the number alone"
          inputMode="numeric"
          error={share === null ? 'a whole number from 0 to 100' : undefined}
          value={percent}
          onChange={setPercent}
        />
        <TextField
          label="Open for"
          hint="Then a proposal expires; from 1m to 366d"
          error={ms === null ? 'a duration such as 7d or 12h' : undefined}
          value={lasts}
          onChange={setLasts}
        />
        <CheckField label="Votes need a reason" checked={reasons} onChange={setReasons} />
      </DeedForm>
    </Dialog>
  );
}

const COLUMNS: readonly TableColumn<Protection>[] = [
  { id: 'policy', title: 'policy', chars: 10, value: ({ policy }) => policy },
  {
    id: 'place',
    title: 'in',
    titled: true,
    value: ({ tenant_id: id }) => place(id),
    cell: ({ tenant_id: id }) => <Value text={place(id)} />,
  },
  { id: 'approvals', title: 'approvals', kind: 'number', unit: 'count', value: (rule) => rule.approvals },
  {
    id: 'percent',
    title: 'share',
    titled: true,
    chars: 8,
    value: ({ percent }) => (percent === 0 ? null : percent),
    cell: ({ percent }) => (percent === 0 ? <NoValue /> : `${percent} %`),
  },
  {
    id: 'lasts',
    title: 'open for',
    titled: true,
    chars: 10,
    value: ({ lasts_ms: ms }) => ms,
    cell: ({ lasts_ms: ms }) => formatDuration(ms),
  },
  {
    id: 'reasons',
    title: 'votes',
    titled: true,
    chars: 14,
    value: ({ reasons }) => (reasons ? 'need a reason' : 'need none'),
  },
];

type Asked = { kind: 'edit'; rule: Protection | null } | { kind: 'propose'; wanted: Wanted };

/** Which policies are protected, and by what; who may approve protects others, and proposes to change that. */
export function Protections(props: {
  rules: readonly Protection[];
  tenant: string;
  /** Rules of all tenants and the whole server may be proposed and made. */
  everywhere: boolean;
  /** Why no policy can be protected; null where one can. */
  whyNot: string | null;
}): ReactElement {
  const { rules, tenant, everywhere, whyNot } = props;
  const [asked, setAsked] = useState<Asked | null>(null);
  const close = (): void => setAsked(null);
  const asks = (wanted: Wanted): void => setAsked({ kind: 'propose', wanted });
  const columns: readonly TableColumn<Protection>[] = [
    ...COLUMNS,
    {
      id: 'actions',
      title: ' ',
      chars: 4,
      value: () => null,
      cell: (rule) =>
        rule.tenant_id === null && !everywhere ? null : (
          <Menu
            label={`Actions of ${rule.policy} in ${place(rule.tenant_id)}`}
            icon="more"
            compact
            entries={[
              { kind: 'action', label: 'Propose other needs…', run: () => setAsked({ kind: 'edit', rule }) },
              {
                kind: 'action',
                label: 'Propose to unprotect…',
                run: () =>
                  asks({
                    action: 'protection.drop',
                    policy: rule.policy,
                    place: rule.tenant_id,
                    change: { policy: rule.policy },
                  }),
              },
            ]}
          />
        ),
    },
  ];
  const rule = asked?.kind === 'propose' ? ruleOf(rules, asked.wanted.policy, asked.wanted.place) : undefined;
  const add = (
    <Button whyNot={whyNot} onClick={() => setAsked({ kind: 'edit', rule: null })}>
      <Icon name="plus" /> Protect a policy
    </Button>
  );
  return (
    <section className={`panel card form`} aria-label="Protected policies">
      <h2>Protected policies</h2>
      {whyNot === null ? null : <p className="dim">{whyNot}</p>}
      <DataTable
        label="Protected policies"
        tall
        columns={columns}
        rows={rules}
        rowKey={({ policy, tenant_id: id }) => `${policy} ${id ?? ''}`}
        tools={add}
        empty={
          <EmptyState reason="none-yet" title="No policy is protected">
            Who may change roles, limits and retention does so alone. A protected policy is changed by a
            proposal that enough others approve.
          </EmptyState>
        }
      />
      {asked?.kind === 'edit' ? (
        <Edit {...{ rule: asked.rule, tenant, everywhere, rules }} onClose={close} onPropose={asks} />
      ) : null}
      {asked?.kind === 'propose' && rule ? (
        <Propose wanted={asked.wanted} rule={rule} onClose={close} />
      ) : null}
    </section>
  );
}
