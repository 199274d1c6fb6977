import { useMemo, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { checks, components, system } from '../api/health';
import { useAsked } from '../api/useAsked';
import { Button } from '../design/Button';
import { Drawer } from '../design/Drawer';
import { Note } from '../design/parts';
import { Tabs } from '../design/Tabs';
import { Body, Page, PageHead } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { whyNot } from '../session/lacking';
import { useMay } from '../session/session';
import { CheckForm } from './CheckForm';
import { CheckPage } from './CheckPage';
import { Checks } from './Checks';
import { Components } from './Components';
import { HealthChip } from './parts';
import { StatusPageEditor } from './StatusPageEditor';

const VIEWS = ['checks', 'components', 'status'] as const;

function Overview(): ReactElement {
  const { search, refreshMs, setOwn } = useAddress();
  const may = useMay();
  const answer = useAsked({ key: ['checks'], ask: checks, refreshMs });
  const whole = useAsked({ key: ['health system'], ask: system, refreshMs });
  const parts = useAsked({ key: ['components'], ask: components, refreshMs });
  const view = VIEWS.find((one) => one === search.view) ?? 'checks';
  const why = whyNot(may, 'alerts.configure', 'Checks are changed');
  const all = useMemo(() => answer.data?.data ?? [], [answer.data]);
  const counts = whole.data?.data.checks;
  const close = (): void => setOwn({ new: undefined });
  const create = (
    <Button className="button primary" whyNot={why} onClick={() => setOwn({ new: '' })}>
      New check
    </Button>
  );
  return (
    <Page>
      <PageHead
        title="Health"
        about={
          whole.data && counts && all.length > 0 ? (
            <span className="row">
              <HealthChip health={whole.data.data.health} />
              {counts.up} of {all.length} up
            </span>
          ) : null
        }
        actions={create}
        time={<TimeControls busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      <Body>
        <Tabs
          label="Health"
          value={view}
          onChange={(id) => setOwn({ view: id === 'checks' ? undefined : id, filter: undefined }, true)}
          tabs={[
            {
              id: 'checks',
              label: 'Checks',
              ...(answer.data ? { count: all.length } : {}),
              content: <Checks answer={answer} all={all} create={create} />,
            },
            { id: 'components', label: 'Components', content: <Components answer={parts} /> },
            {
              id: 'status',
              label: 'Status page',
              content: <StatusPageEditor components={parts.data?.data ?? []} whyNot={why} />,
            },
          ]}
        />
        <Drawer open={search.new !== undefined} onClose={close} title="New check">
          {why === null ? (
            <CheckForm
              kept={null}
              onDone={(name) => setOwn({ new: undefined, check: name })}
              onCancel={close}
            />
          ) : (
            <Note level="info">{why}</Note>
          )}
        </Drawer>
      </Body>
    </Page>
  );
}

/** Whether things are well: checks, components, the status page; by the address one check. */
export default function HealthPage(): ReactElement {
  const { search } = useAddress();
  return search.check === undefined ? <Overview /> : <CheckPage key={search.check} name={search.check} />;
}
