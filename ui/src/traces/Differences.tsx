import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import {
  spanDifferences,
  type AttributeDifference,
  type TraceFilters,
  type TraceRange,
  type TraceSummary,
} from '../api/traces';
import { useAsked } from '../api/useAsked';
import { formatCount, formatValue } from '../design/format';
import { Glyph } from '../design/Glyph';
import { IconButton, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { condition, narrowed } from '../logs/query';
import { questionOf, type Compared, type Selection } from './selection';
import { share } from './Waterfall';
import styles from './compare.module.css';

const FIRST = 8;
/** Attributes of which no value is so much more or less frequent tell nothing. */
const LEAST = 0.02;
const KINDS: readonly (readonly [Compared, string])[] = [
  ['roots', 'Spans that begin them'],
  ['fitting', 'All spans that fit'],
];

/** By how much the value differs that differs most: what is other in every span, as ids are, tells nothing. */
function gap({ values }: AttributeDifference): number {
  return values.reduce((most, { selected, rest }) => Math.max(most, Math.abs(selected - rest)), 0);
}

function Share({ of, className }: { of: number; className: string | undefined }): ReactElement {
  return (
    <span className={styles.share}>
      <i className={className} style={{ width: share(of) }} />
      <span>{formatValue(of, 'ratio', 2)}</span>
    </span>
  );
}

function Attribute({
  of,
  onNarrow,
}: {
  of: AttributeDifference;
  onNarrow: (name: string, value: string, include: boolean) => void;
}): ReactElement {
  const name = visibleText(of.attribute);
  return (
    <tbody>
      {of.values.map(({ value, selected, rest }, i) => (
        <tr key={value}>
          {i === 0 ? (
            <th scope="rowgroup" rowSpan={of.values.length}>
              <Value text={of.attribute} mono />
            </th>
          ) : null}
          <td className={styles.value}>
            {value === '' ? <span className="dim">empty</span> : <Value text={value} mono />}
          </td>
          <td data-of="selected">
            <Share of={selected} className={styles.selected} />
          </td>
          <td data-of="rest">
            <Share of={rest} className={styles.rest} />
          </td>
          <td className={styles.deeds}>
            <IconButton
              icon="plus"
              label={`Only ${name} of this value`}
              onClick={() => onNarrow(of.attribute, value, true)}
            />
            <IconButton
              icon={<Glyph name="dash" />}
              label={`Without ${name} of this value`}
              onClick={() => onNarrow(of.attribute, value, false)}
            />
          </td>
        </tr>
      ))}
    </tbody>
  );
}

function Found({ all }: { all: readonly AttributeDifference[] }): ReactElement {
  const { search, setOwn } = useAddress();
  const [whole, setWhole] = useState(false);
  const telling = all.filter((one) => gap(one) >= LEAST).sort((a, b) => gap(b) - gap(a));
  if (telling.length === 0)
    return <p className="dim">No attribute tells them apart: all values are as frequent on both sides.</p>;
  const narrow = (name: string, value: string, include: boolean): void =>
    setOwn({ query: narrowed(search.query ?? '', condition(name, value, include)), sel: undefined });
  return (
    <>
      <div className={styles.scroll} role="region" aria-label="Attributes that differ" tabIndex={0}>
        <table className={styles.differences}>
          <thead>
            <tr>
              <th scope="col">attribute</th>
              <th scope="col">value</th>
              <th scope="col">of the selected</th>
              <th scope="col">of the rest</th>
              <th scope="col">
                <span className="visually-hidden">narrow the search</span>
              </th>
            </tr>
          </thead>
          {telling.slice(0, whole ? telling.length : FIRST).map((one) => (
            <Attribute key={one.attribute} of={one} onNarrow={narrow} />
          ))}
        </table>
      </div>
      {telling.length > FIRST && !whole ? (
        <div>
          <button type="button" className="button quiet" onClick={() => setWhole(true)}>
            {formatCount(telling.length - FIRST)} more that differ less
          </button>
        </div>
      ) : null}
    </>
  );
}

/** What tells the selected traces from the rest of those in the picture. */
export function Differences(props: {
  traces: readonly TraceSummary[];
  selection: Selection;
  filters: TraceFilters;
  range: TraceRange;
  /** Looks at the selected time alone; null where the selection is none of a time. */
  onTime: (() => void) | null;
}): ReactElement {
  const { traces, selection, filters, range, onTime } = props;
  const { search, setOwn } = useAddress();
  const compared: Compared = search.of === 'fitting' ? 'fitting' : 'roots';
  const question = questionOf(traces, selection, filters, compared);
  const isWhole = question.chosen > 0 && question.chosen < question.among;
  const answer = useAsked({
    key: ['trace-differences', question, range],
    ask: async (asking) => (await spanDifferences(question.filters, question.selected, range, asking)).data,
    enabled: isWhole,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    retry: false,
  });
  return (
    <section className="panel card" aria-label="Selected against the rest">
      <header className="row wrap">
        <h2>Selected against the rest</h2>
        <span className="dim grow">
          {formatCount(question.chosen)} of {formatCount(question.among)} traces
        </span>
        {KINDS.map(([kind, name]) => (
          <button
            key={kind}
            type="button"
            className="button"
            aria-pressed={compared === kind}
            onClick={() => setOwn({ of: kind === 'roots' ? undefined : kind }, true)}
          >
            {name}
          </button>
        ))}
        {onTime === null ? null : (
          <button type="button" className="button" onClick={onTime}>
            Only this time
          </button>
        )}
        <IconButton
          icon="close"
          label="Select none"
          onClick={() => setOwn({ sel: undefined, of: undefined })}
        />
      </header>
      {question.chosen === 0 ? (
        <p className="dim">No trace of those listed is in the selection.</p>
      ) : isWhole ? (
        <>
          <Unreadable what="What differs" error={answer.error} asOfMs={0} />
          {answer.isPending ? <Skeleton kind="table" label="What differs" rows={6} /> : null}
          {answer.data ? <Found key={compared} all={answer.data} /> : null}
        </>
      ) : (
        <p className="dim">All of them are selected: there is no rest to compare them with.</p>
      )}
    </section>
  );
}
