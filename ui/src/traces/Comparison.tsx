import { useMemo, useState, type ReactElement } from 'react';
import { PageLink } from '../address/PageLink';
import { useAddress } from '../address/hooks';
import {
  compareTraces,
  searchTraces,
  traceView,
  type ComparedTrace,
  type PathDifference,
  type TraceComparison,
  type TraceRange,
} from '../api/traces';
import { useAsked } from '../api/useAsked';
import { EmptyState } from '../design/EmptyState';
import { FilterBar } from '../design/FilterBar';
import { holdsWords } from '../design/filter';
import { formatThings, formatCount, formatInstant, formatSeconds } from '../design/format';
import { useScheme, usePageClock } from '../design/hooks';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { change, pathKey, presenceOf, verdict, type Presence } from './comparison';
import { serviceColors } from './layout';
import { beginMs } from './scatter';
import { TraceLink } from './TraceLink';
import { share } from './Waterfall';
import styles from './compare.module.css';

const LIKE = 50;
const ONLY: Readonly<Record<Presence, string>> = {
  both: '',
  left: 'only the first',
  right: 'only the second',
};

function Card({ of, title, color }: { of: ComparedTrace; title: string; color: string }): ReactElement {
  const { utc } = usePageClock();
  const begin = Number(BigInt(of.start_ns) / 1_000_000n);
  return (
    <section className={styles.card} aria-label={title}>
      <span className="dim">{title}</span>
      <TraceLink traceId={of.trace_id} className={styles.cardName ?? ''}>
        <i className={styles.swatch} style={{ background: color }} />
        <span className="ellipsis" title={visibleText(`${of.service}: ${of.name}`)}>
          <b>
            <Value text={of.service} />
          </b>{' '}
          <Value text={of.name} />
        </span>
      </TraceLink>
      <span className={styles.figure}>{formatSeconds(of.duration_ns / 1e9)}</span>
      <span className="dim">
        {formatThings(of.spans, 'span')}
        {of.errors > 0 ? (
          <span className={styles.bad}>, {formatThings(of.errors, 'error')}</span>
        ) : null}, {formatInstant(begin, utc)}
      </span>
    </section>
  );
}

function Path({ of, colors }: { of: PathDifference; colors: ReadonlyMap<string, string> }): ReactElement {
  const last = of.path.at(-1);
  const above = of.path.slice(0, -1);
  const only = ONLY[presenceOf(of)];
  const whole = of.path.map(({ service, name }) => `${service}: ${name}`).join(' › ');
  return (
    <span className={styles.path} title={visibleText(whole)}>
      <span className={styles.pathLast}>
        <i
          className={styles.swatch}
          style={{ background: colors.get(last?.service ?? '') ?? 'var(--dim)' }}
        />
        <span className="ellipsis">
          <b>
            <Value text={last?.service ?? ''} />
          </b>{' '}
          <Value text={last?.name ?? ''} />
        </span>
      </span>
      <span className={`dim ellipsis ${styles.above ?? ''}`}>
        {only === '' ? null : <b>{only}</b>}
        {only !== '' && above.length > 0 ? ', ' : ''}
        {above.length === 0 ? null : `in ${above.map(({ name }) => visibleText(name)).join(' › ')}`}
      </span>
    </span>
  );
}

function Change({ ns, most }: { ns: number; most: number }): ReactElement {
  const part = Math.abs(ns) / most / 2;
  return (
    <span className={styles.change}>
      <span className={styles.balance} aria-hidden="true">
        <i
          className={ns > 0 ? styles.slower : styles.faster}
          style={{ left: share(ns > 0 ? 0.5 : 0.5 - part), width: share(part) }}
        />
      </span>
      <span>{change(ns)}</span>
    </span>
  );
}

function columnsOf(
  most: number,
  colors: ReadonlyMap<string, string>,
): readonly TableColumn<PathDifference>[] {
  const own = (side: 'left' | 'right', title: string): TableColumn<PathDifference> => ({
    id: `${side}-own`,
    title,
    kind: 'number',
    chars: 11,
    value: (one) => (one[side].spans === 0 ? null : one[side].own_ns),
    cell: (one) =>
      one[side].spans === 0 ? <span className="dim">–</span> : formatSeconds(one[side].own_ns / 1e9),
  });
  const errors = ({ left, right }: PathDifference): number => right.errors - left.errors;
  return [
    {
      id: 'path',
      title: 'where',
      chars: 70,
      least: 28,
      value: (one) => one.path.map(({ service, name }) => `${service} ${name}`).join(' '),
      cell: (one) => <Path of={one} colors={colors} />,
    },
    {
      id: 'change',
      title: 'own time won or lost',
      kind: 'number',
      chars: 22,
      least: 18,
      value: ({ own_ns: ns }) => ns,
      cell: ({ own_ns: ns }) => <Change ns={ns} most={most} />,
    },
    own('left', 'first'),
    own('right', 'second'),
    {
      id: 'calls',
      title: 'calls',
      kind: 'number',
      chars: 12,
      value: ({ left, right }) => right.spans - left.spans,
      cell: ({ left, right }) =>
        left.spans === right.spans
          ? formatCount(left.spans)
          : `${formatCount(left.spans)} → ${formatCount(right.spans)}`,
    },
    {
      id: 'errors',
      title: 'errors',
      kind: 'number',
      chars: 10,
      value: errors,
      cell: (one) =>
        one.left.errors === 0 && one.right.errors === 0 ? (
          <span className="dim">–</span>
        ) : (
          <span className={errors(one) > 0 ? styles.bad : undefined}>
            {formatCount(one.left.errors)} → {formatCount(one.right.errors)}
          </span>
        ),
    },
  ];
}

function Compared({ found }: { found: TraceComparison }): ReactElement {
  const { search, setOwn } = useAddress();
  const scheme = useScheme();
  const colors = useMemo(
    () =>
      serviceColors(
        [...new Set(found.paths.flatMap(({ path }) => path.map(({ service }) => service)))],
        scheme,
      ),
    [found, scheme],
  );
  const words = search.find ?? '';
  const rows = useMemo(() => {
    const holds = holdsWords(words);
    return found.paths.filter(({ path }) =>
      holds(path.map(({ service, name }) => `${service} ${name}`).join(' ')),
    );
  }, [found, words]);
  const most = found.paths.reduce((least, one) => Math.max(least, Math.abs(one.own_ns)), 1);
  const columns = useMemo(() => columnsOf(most, colors), [most, colors]);
  const { left, right } = found;
  const colorOf = (service: string): string => colors.get(service) ?? 'var(--dim)';
  return (
    <>
      <section className="panel card" aria-label="The two traces">
        <div className={styles.cards}>
          <Card title="First" of={left} color={colorOf(left.service)} />
          <Card title="Second" of={right} color={colorOf(right.service)} />
        </div>
        <p className={styles.verdict}>{verdict(left.duration_ns, right.duration_ns)}</p>
      </section>
      <FilterBar
        label="Filter paths"
        placeholder="Service or span"
        words={words}
        onWords={(next) => setOwn({ find: next || undefined }, true)}
      />
      <section className="panel card">
        <DataTable
          label="Where they differ"
          tall
          columns={columns}
          rows={rows}
          total={found.paths.length}
          rowKey={pathKey}
          empty={<EmptyState reason="filtered" title="No path fits these words" />}
        />
      </section>
    </>
  );
}

/** The traces that began as this one did, of which another is chosen. */
function Choose({ left, range }: { left: string; range: TraceRange }): ReactElement {
  const { setOwn } = useAddress();
  const { utc } = usePageClock();
  const [typed, setTyped] = useState('');
  const answer = useAsked({
    key: ['trace-like', left, range],
    ask: async (asking) => {
      const { service, name } = (await traceView(left, asking)).data;
      const found = await searchTraces({ service, operation: name }, range, { limit: LIKE }, asking);
      return found.data.traces.filter((one) => one.trace_id !== left && one.name === name);
    },
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  });
  const choose = (right: string): void => setOwn({ right });
  return (
    <section className="panel card" aria-label="Compare with">
      <h2>Compare it with</h2>
      <form
        className={styles.choose}
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.trim() !== '') choose(typed.trim().toLowerCase());
        }}
      >
        <input
          className="field mono"
          aria-label="The other trace's id"
          placeholder="The other trace’s id"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        <button type="submit" className="button primary" disabled={typed.trim() === ''}>
          Compare
        </button>
      </form>
      <Unreadable what="Traces like it" error={answer.error} asOfMs={0} />
      {answer.isPending ? <Skeleton kind="table" label="Traces like it" rows={6} /> : null}
      {answer.data?.length === 0 ? (
        <p className="dim">No other trace of this time began with the same span: choose a longer time.</p>
      ) : null}
      <ul className={styles.like}>
        {(answer.data ?? []).map((one) => (
          <li key={one.trace_id}>
            <button type="button" className="plain" onClick={() => choose(one.trace_id)}>
              <span className={styles.figureCell}>{formatSeconds(one.duration_ns / 1e9)}</span>
              <span className={styles.figureCell}>{formatThings(one.spans, 'span')}</span>
              <span>{formatInstant(Math.floor(beginMs(one)), utc)}</span>
              {one.errors > 0 ? <span className="pill bad">{formatThings(one.errors, 'error')}</span> : null}
              <span className="mono dim ellipsis">{one.trace_id}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Two traces compared: which took longer, and at which paths of services and spans. */
export function Comparison({ range }: { range: TraceRange }): ReactElement {
  const { search, setOwn } = useAddress();
  const { left = '', right = '' } = search;
  const answer = useAsked({
    key: ['trace-comparison', left, right],
    ask: async (asking) => (await compareTraces(left, right, asking)).data,
    enabled: left !== '' && right !== '',
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  });
  if (left === '')
    return (
      <EmptyState
        reason="none-yet"
        title="No trace is chosen"
        actions={
          <PageLink page="traces" search={{}} className="button">
            Search for traces
          </PageLink>
        }
      >
        Open a trace, and press Compare there.
      </EmptyState>
    );
  if (right === '') return <Choose left={left} range={range} />;
  return (
    <>
      <div className="row wrap">
        <button type="button" className="button" onClick={() => setOwn({ left: right, right: left }, true)}>
          Swap them
        </button>
        <button type="button" className="button" onClick={() => setOwn({ right: undefined })}>
          Another second one
        </button>
      </div>
      {answer.error ? (
        <EmptyState reason="failed" title="The traces cannot be compared">
          <Value text={answer.error.message} />
        </EmptyState>
      ) : null}
      {answer.isPending ? <Skeleton kind="table" label="The comparison" rows={10} /> : null}
      {answer.data ? <Compared found={answer.data} /> : null}
    </>
  );
}
