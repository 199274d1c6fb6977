import type { ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { rollouts, type Rollout } from '../api/versions';
import { useAsked } from '../api/useAsked';
import { EmptyState } from '../design/EmptyState';
import { holdsWords } from '../design/filter';
import { Tabs } from '../design/Tabs';
import { FilteredList } from '../page/FilteredList';
import { Body, Page, PageHead } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { whyNot } from '../session/lacking';
import { useMay } from '../session/session';
import { Compare } from './Compare';
import { RolloutCard, RolloutDrawer } from './Rollouts';
import styles from './versions.module.css';

/** What needs somebody first, then what goes on, then by name. */
function sorted(all: readonly Rollout[], wanted: string): readonly Rollout[] {
  const holds = holdsWords(wanted);
  const rank = ({ run }: Rollout): number => {
    if (run === null) return 4;
    if (run.phase === 'failed' && !run.is_closed) return 0;
    return { waiting: 1, running: 2, passed: 3, failed: 3, aborted: 3 }[run.phase];
  };
  return all
    .filter(({ name, run }) =>
      holds(`${name} ${run?.canary ?? ''} ${run?.baseline ?? ''} ${run?.phase ?? ''}`),
    )
    .toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

function List({ all, words }: { all: readonly Rollout[]; words: string }): ReactElement {
  const { setOwn } = useAddress();
  const shown = sorted(all, words);
  if (all.length === 0)
    return (
      <EmptyState reason="none-yet" title="There is no rollout yet">
        A rollout brings a new version out stage by stage, and judges it by its requests. It is defined in a
        file that <code>rollouts</code> of pharos.yml names, or over the API;{' '}
        <a href="/docs/rollouts.html" target="_blank" rel="noreferrer">
          how that is done
        </a>
        .
      </EmptyState>
    );
  if (shown.length === 0) return <EmptyState reason="filtered" title="No rollout fits these words" />;
  return (
    <>
      {shown.map((one) => (
        <RolloutCard key={one.name} of={one} onOpen={() => setOwn({ rollout: one.name })} />
      ))}
    </>
  );
}

/** Versions: rollouts as they are judged, and any two groups compared. */
export default function VersionsPage(): ReactElement {
  const { search, refreshMs, setOwn } = useAddress();
  const may = useMay();
  const answer = useAsked({ key: ['rollouts'], ask: rollouts, refreshMs });
  const all = answer.data?.data ?? [];
  const failed = all.filter(({ run }) => run?.phase === 'failed' && !run.is_closed).length;
  const view = search.view === 'compare' ? 'compare' : 'rollouts';
  return (
    <Page>
      <PageHead
        title="Versions"
        about={failed > 0 ? `${failed} failed` : null}
        time={
          <TimeControls
            ranged={view === 'compare'}
            busy={answer.isFetching}
            onNow={() => void answer.refetch()}
          />
        }
      />
      <Body>
        <Tabs
          label="Parts"
          value={view}
          onChange={(id) => setOwn({ view: id === 'rollouts' ? undefined : id, filter: undefined }, true)}
          tabs={[
            {
              id: 'rollouts',
              label: 'Rollouts',
              count: all.length,
              content: (
                <FilteredList
                  what="rollouts"
                  placeholder="Name, version, or how it stands"
                  answer={answer}
                  className={styles.stack}
                >
                  {answer.data ? <List all={all} words={search.filter ?? ''} /> : null}
                </FilteredList>
              ),
            },
            { id: 'compare', label: 'Compare', content: <Compare /> },
          ]}
        />
      </Body>
      {search.rollout === undefined ? null : (
        <RolloutDrawer
          name={search.rollout}
          refreshMs={refreshMs}
          whyNot={whyNot(may, 'alerts.configure', 'Runs are begun and ended')}
          onClose={() => setOwn({ rollout: undefined })}
        />
      )}
    </Page>
  );
}
