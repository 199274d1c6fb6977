import { useMemo, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { useAlerts } from '../alerts/useAlerts';
import { Button } from '../design/Button';
import { Tabs } from '../design/Tabs';
import { Windows } from '../maintenance/Windows';
import { Dependencies } from '../maintenance/Dependencies';
import { Body, Page, PageHead } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { whyNot } from '../session/lacking';
import { useMay } from '../session/session';
import { SilenceList } from './SilenceList';

const VIEWS = ['silences', 'maintenance', 'dependencies'] as const;

type View = (typeof VIEWS)[number];

const CREATE: Readonly<Record<View, string>> = {
  silences: 'New silence',
  maintenance: 'New maintenance window',
  dependencies: 'New dependency',
};

/** What holds pages back: silences, maintenance windows, dependencies. */
export default function SilencesPage(): ReactElement {
  const { search, refreshMs, setOwn } = useAddress();
  const may = useMay();
  const answer = useAlerts(refreshMs);
  const known = useMemo(() => answer.data?.data.alerts ?? [], [answer.data]);
  const view = VIEWS.find((one) => one === search.view) ?? 'silences';
  const why =
    view === 'silences'
      ? whyNot(may, 'alerts.silence', 'Silences are made')
      : whyNot(
          may,
          'alerts.configure',
          view === 'maintenance' ? 'Windows are changed' : 'Dependencies are changed',
        );
  const create = (
    <Button className="button primary" whyNot={why} onClick={() => setOwn({ new: '' })}>
      {CREATE[view]}
    </Button>
  );
  const props = { known, refreshMs, whyNot: why, create };
  return (
    <Page>
      <PageHead
        title="Silences"
        actions={create}
        time={<TimeControls busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      <Body>
        <Tabs
          label="What holds pages back"
          value={view}
          onChange={(id) =>
            setOwn(
              {
                view: id === 'silences' ? undefined : id,
                filter: undefined,
                edit: undefined,
                new: undefined,
              },
              true,
            )
          }
          tabs={[
            { id: 'silences', label: 'Silences', content: <SilenceList {...props} /> },
            { id: 'maintenance', label: 'Maintenance', content: <Windows {...props} /> },
            { id: 'dependencies', label: 'Dependencies', content: <Dependencies {...props} /> },
          ]}
        />
      </Body>
    </Page>
  );
}
