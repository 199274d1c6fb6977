import {
  createSpotlight,
  Spotlight,
  type SpotlightActionData,
  type SpotlightActionGroupData,
} from '@mantine/spotlight';
import './dialogs.css';
import '@mantine/spotlight/styles.css';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useMemo, useState, type ReactElement } from 'react';
import { metricNames } from '../api/calls';
import { Icon } from '../design/Icon';
import { readHistory } from '../explore/history';
import { withQuery, type Flat } from '../explore/state';
import { rankMetrics } from './rank';
import type { Shortcut } from './shortcuts';

const [store, spotlight] = createSpotlight();
const NO_NAMES: readonly string[] = [];

/**
 * Choose the first action if none is. Spotlight does so when something is typed, but when the metrics' names
 * come later than that, its choice goes with the list it was made in, and Enter would do nothing.
 */
function selectFirst(): void {
  const state = store.getState();
  const list = document.getElementById(state.listId);
  const first = list?.querySelector('[data-action]');
  if (!list || !first || list.querySelector('[data-selected]')) return;
  first.setAttribute('data-selected', 'true');
  store.setState({ ...state, selected: 0 });
}

/** Pages, commands, past queries and metrics, found by typing. Mounted when it opens. */
export default function Palette(props: {
  onClose: () => void;
  shortcuts: readonly Shortcut[];
}): ReactElement {
  const { onClose, shortcuts } = props;
  const navigate = useNavigate();
  const search: Flat = useSearch({ strict: false });
  const [query, setQuery] = useState('');
  const metrics = useQuery({
    queryKey: ['metric-names'],
    queryFn: ({ signal }) => metricNames(signal),
    staleTime: 60_000,
  });
  const names = metrics.data?.data ?? NO_NAMES;
  useEffect(() => spotlight.open(), []);

  const groups = useMemo(() => {
    const wanted = query.trim().toLowerCase();
    const open = (expr: string): void => {
      void navigate({ to: '/explore', search: withQuery(search, expr) as never });
    };
    const action = (
      id: string,
      label: string,
      run: () => void,
      description?: string,
    ): SpotlightActionData => ({
      id,
      label,
      onClick: run,
      ...(description === undefined ? {} : { description }),
    });
    const commands = shortcuts
      .filter((one) => one.what.toLowerCase().includes(wanted))
      .map((one) => action(one.what, one.what, one.run, one.keys.join(' ')));
    const past = readHistory()
      .filter((expr) => wanted === '' || expr.toLowerCase().includes(wanted))
      .slice(0, 5)
      .map((expr) => action(`past ${expr}`, expr, () => open(expr)));
    const found = rankMetrics(names, wanted, 12).map((name) =>
      action(`metric ${name}`, name, () => open(name)),
    );
    const all: SpotlightActionGroupData[] = [
      { group: 'Go and do', actions: commands },
      { group: 'Past queries', actions: past },
      { group: 'Metrics', actions: found },
    ];
    return all.filter((one) => one.actions.length > 0);
  }, [query, names, shortcuts, navigate, search]);

  useEffect(selectFirst, [groups]);

  return (
    <Spotlight
      store={store}
      shortcut={null}
      actions={groups}
      query={query}
      onQueryChange={setQuery}
      filter={(_query, actions) => actions}
      onSpotlightClose={onClose}
      nothingFound={metrics.isPending ? 'Looking…' : 'Nothing of that name'}
      searchProps={{
        leftSection: <Icon name="search" />,
        placeholder: 'Page, command or metric',
        'aria-label': 'Page, command or metric',
      }}
      scrollable
      maxHeight={440}
      lockScroll={false}
      classNames={{ content: 'dialog' }}
      overlayProps={{ backgroundOpacity: 0.4, blur: 0 }}
      transitionProps={{ duration: 0 }}
    />
  );
}
