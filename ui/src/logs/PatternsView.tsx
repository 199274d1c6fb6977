import { useMemo, type ReactElement } from 'react';
import { logPatterns, type LogPatterns, type LogsAsked } from '../api/logs';
import { useAsked } from '../api/useAsked';
import { Choice } from '../design/Choice';
import { EmptyState } from '../design/EmptyState';
import { formatCount } from '../design/format';
import { Glyph } from '../design/Glyph';
import { useScheme } from '../design/hooks';
import { IconButton, Note } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { Value } from '../design/Value';
import { levelColor } from './levels';
import { earlier, HOLE, newTemplates, SINCES, type Since } from './templates';
import styles from './logs.module.css';

const SAID: Readonly<Record<Since, string>> = {
  before: 'the time before',
  day: 'a day before',
  week: 'a week before',
};

/** What a line of a template must hold, word by word: its longest run between the holes. */
function phraseOf(template: string): string {
  const runs = template.split(HOLE).map((run) => run.trim());
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest), '');
}

/** How what is new was found, or why it cannot be said. */
function News(props: {
  since: Since;
  before: LogPatterns | undefined;
  error: Error | null;
  fresh: number;
}): ReactElement | null {
  const { since, before, error, fresh } = props;
  if (error)
    return (
      <Note level="bad">
        The lines of {SAID[since]} cannot be read: {error.message}
      </Note>
    );
  if (before === undefined) return <span className="dim">Looking at the lines of {SAID[since]}…</span>;
  if (before.lines === 0)
    return <span className="dim">There are no lines of {SAID[since]}: nothing to compare with.</span>;
  return (
    <span className="dim">
      {fresh === 0 ? 'None is new' : `${formatCount(fresh)} ${fresh === 1 ? 'is' : 'are'} new`}, beside{' '}
      {before.is_complete ? 'the' : 'the newest'} {formatCount(before.lines)} lines of {SAID[since]}.
    </span>
  );
}

/** Lines that differ only in what varies, put together; those that were not before may be told apart. */
export function PatternsView({
  asked,
  since,
  onSince,
  onPhrase,
}: {
  asked: LogsAsked;
  /** The time that they are compared with; null for none. */
  since: Since | null;
  onSince: (since: Since | null) => void;
  onPhrase: (text: string, include: boolean) => void;
}): ReactElement {
  const scheme = useScheme();
  const { data, error } = useAsked({
    key: ['logs', 'patterns', asked],
    ask: (asking) => logPatterns(asked, asking),
    refetchOnWindowFocus: false,
    keep: true,
  });
  const reference = since === null ? null : earlier(asked, since);
  const before = useAsked({
    key: ['logs', 'patterns', reference],
    ask: (asking) => logPatterns(reference ?? asked, asking),
    enabled: reference !== null,
    refetchOnWindowFocus: false,
    staleTime: Infinity,
  });
  const known = reference !== null && before.data && before.data.lines > 0 ? before.data.patterns : null;
  const fresh = useMemo(() => {
    if (known === null || data === undefined) return new Set<string>();
    const texts = (all: LogPatterns['patterns']): string[] => all.map(({ template }) => template);
    return newTemplates(texts(data.patterns), texts(known));
  }, [data, known]);
  if (error)
    return (
      <EmptyState reason="failed" title="The patterns cannot be read">
        {error.message}
      </EmptyState>
    );
  if (!data) return <Skeleton kind="table" label="Patterns" rows={10} />;
  if (data.patterns.length === 0)
    return <EmptyState reason="out-of-range" title="No lines in this time meet the search" />;
  const isFresh = ({ template }: { template: string }): boolean => fresh.has(template);
  const ordered = [...data.patterns.filter(isFresh), ...data.patterns.filter((one) => !isFresh(one))];
  return (
    <div className={styles.patterns}>
      <div className="row wrap">
        <span className="dim">New since</span>
        <span className={styles.since}>
          <Choice
            label="New since"
            placeholder="not compared"
            clearable
            options={SINCES.map((value) => ({ value, label: SAID[value] }))}
            value={since}
            onChange={(value) => onSince(SINCES.find((one) => one === value) ?? null)}
          />
        </span>
        {since === null ? null : (
          <News since={since} before={before.data} error={before.error} fresh={fresh.size} />
        )}
      </div>
      {data.is_complete ? null : (
        <Note level="info">
          Of the newest {formatCount(data.lines)} lines; there are older ones in this time. Shorten the time
          to see those.
        </Note>
      )}
      <ul>
        {ordered.map((one) => (
          <li key={`${one.level} ${one.template}`} data-level={one.level}>
            <span className="num">{formatCount(one.lines)}</span>
            <span className="dim num">{((one.lines / data.lines) * 100).toFixed(1)} %</span>
            <svg viewBox="0 0 60 16" width={60} height={16} aria-hidden="true" preserveAspectRatio="none">
              {one.counts.map((count, i) => {
                const tall = (count / Math.max(...one.counts, 1)) * 16;
                const wide = 60 / one.counts.length;
                return (
                  <rect
                    key={i}
                    x={i * wide}
                    y={16 - tall}
                    width={wide * 0.8}
                    height={tall}
                    fill={levelColor(one.level, scheme)}
                  />
                );
              })}
            </svg>
            <span className={styles.template}>
              {isFresh(one) ? <span className="pill warn">new</span> : null}{' '}
              {one.template.split(HOLE).map((run, i) => (
                <span key={i}>
                  {i > 0 ? <i>…</i> : null}
                  {run === '' ? null : <Value text={run} mono />}
                </span>
              ))}
            </span>
            <IconButton
              icon="search"
              label="Lines that hold this"
              disabled={phraseOf(one.template) === ''}
              onClick={() => onPhrase(phraseOf(one.template), true)}
            />
            <IconButton
              icon={<Glyph name="dash" />}
              label="Without lines that hold this"
              disabled={phraseOf(one.template) === ''}
              onClick={() => onPhrase(phraseOf(one.template), false)}
            />
          </li>
        ))}
      </ul>
      {data.left_out > 0 ? (
        <p className="dim">{formatCount(data.left_out)} rarer ones are not shown.</p>
      ) : null}
    </div>
  );
}
