import type { ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { useAlerts } from '../alerts/useAlerts';
import type { Version } from '../api/oncall';
import { actions, responses, type ActionResponse } from '../api/responses';
import { useAsked } from '../api/useAsked';
import { Button } from '../design/Button';
import { Tabs } from '../design/Tabs';
import { FilteredList } from '../page/FilteredList';
import { Body, Page, PageHead } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { whyNot } from '../session/lacking';
import { useMay } from '../session/session';
import { Actions } from './Actions';
import { Responses } from './Responses';
import styles from './responses.module.css';

const NONE: readonly ActionResponse[] = [];
const NO_ACTIONS: readonly Version[] = [];

/** Automatic responses: what was, is or waits to be done, and the actions that say what is. */
export default function ResponsesPage(): ReactElement {
  const { search, refreshMs, setOwn } = useAddress();
  const may = useMay();
  const done = useAsked({ key: ['responses'], ask: responses, refreshMs });
  const defined = useAsked({ key: ['actions'], ask: actions, refreshMs });
  const alerts = useAlerts(refreshMs);
  const known = alerts.isLoading ? null : (alerts.data?.data.alerts ?? []);
  const why = whyNot(may, 'alerts.configure', 'Actions are changed');
  const view = search.view === 'actions' ? 'actions' : 'responses';
  const words = search.filter ?? '';
  const waiting = done.data?.data.filter(({ status }) => status === 'waiting').length ?? 0;
  const all = defined.data?.data.filter(({ document }) => document !== null) ?? NO_ACTIONS;
  const create = (
    <Button className="button primary" whyNot={why} onClick={() => setOwn({ view: 'actions', new: '' })}>
      New action
    </Button>
  );
  return (
    <Page>
      <PageHead
        title="Responses"
        about={waiting > 0 ? `${waiting} ${waiting === 1 ? 'waits' : 'wait'} for approval` : null}
        actions={create}
        time={
          <TimeControls
            busy={done.isFetching || defined.isFetching}
            onNow={() => {
              void done.refetch();
              void defined.refetch();
            }}
          />
        }
      />
      <Body>
        <Tabs
          label="Parts"
          value={view}
          onChange={(id) =>
            setOwn({ view: id === 'responses' ? undefined : id, filter: undefined, edit: undefined }, true)
          }
          tabs={[
            {
              id: 'responses',
              label: 'Responses',
              content: (
                <FilteredList
                  what="responses"
                  placeholder="Name, label, or what came of it"
                  answer={done}
                  className={styles.stack}
                >
                  {done.data ? (
                    <Responses
                      all={done.data.data.length === 0 ? NONE : done.data.data}
                      words={words}
                      whyNot={whyNot(may, 'alerts.escalate', 'Responses are approved')}
                    />
                  ) : null}
                </FilteredList>
              ),
            },
            {
              id: 'actions',
              label: 'Actions',
              count: all.length,
              content: (
                <FilteredList
                  what="actions"
                  placeholder="Name, label, or what came of it"
                  answer={defined}
                  className={styles.stack}
                >
                  {defined.data ? (
                    <Actions
                      all={all}
                      known={known}
                      words={words}
                      whyNot={why}
                      operates={
                        may('server.operate')
                          ? null
                          : 'Commands and clusters act as the server does: only its operators define them.'
                      }
                      create={create}
                    />
                  ) : null}
                </FilteredList>
              ),
            },
          ]}
        />
      </Body>
    </Page>
  );
}
