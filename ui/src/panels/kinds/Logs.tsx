import { useMemo, useState, type ReactElement } from 'react';
import { formatInstant } from '../../design/format';
import { usePageClock } from '../../design/hooks';
import { Glyph } from '../../design/Glyph';
import { LabelSet, Value } from '../../design/Value';
import type { Labels } from '../../api/types';
import { usePanelPage, type KindProps } from '../context';
import { cellText } from '../frame';
import { flagAt, object, textAt } from '../json';
import type { ShownFrame } from '../overrides';
import { PanelLink } from '../PanelLink';
import { NoData } from './NoData';
import styles from './loglines.module.css';

interface Line {
  key: string;
  ms: number;
  text: string;
  labels: Labels;
  level: string;
}

const MOST = 1_000;
const FIRST = 200;

const LEVEL_NAMES = ['level', 'severity', 'detected_level', 'severity_text', 'lvl', 'loglevel'];
const LEVELS: Readonly<Record<string, string>> = {
  warning: 'warn',
  err: 'error',
  critical: 'fatal',
  crit: 'fatal',
  emerg: 'fatal',
  information: 'info',
  notice: 'info',
};

function readLabels(text: string): Labels {
  try {
    return Object.fromEntries(
      Object.entries(object(JSON.parse(text))).map(([name, value]) => [name, cellText(value as string)]),
    );
  } catch {
    return {};
  }
}

function linesOf(frames: readonly ShownFrame[]): Line[] {
  return frames.flatMap((frame, number) => {
    const time = frame.fields.find(({ type }) => type === 'time');
    const body =
      frame.fields.find(({ name }) => ['Line', 'line', 'body', 'message', '_msg'].includes(name)) ??
      frame.fields.find(({ type, name }) => type === 'string' && name !== 'tsNs');
    if (!body) return [];
    const labels = frame.fields.find(({ name }) => name === 'labels');
    return body.values.slice(0, MOST).map((cell, i): Line => {
      const own = labels ? readLabels(cellText(labels.values[i])) : (body.labels ?? {});
      const level =
        LEVEL_NAMES.map((name) => own[name])
          .find((one) => one !== undefined)
          ?.toLowerCase() ?? '';
      return {
        key: `${number} ${i}`,
        ms: Number(time?.values[i] ?? NaN),
        text: cellText(cell),
        labels: own,
        level: LEVELS[level] ?? level,
      };
    });
  });
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** The labels of a line, each a link to the lines that have it. */
function Labels({ labels }: { labels: Line['labels'] }): ReactElement {
  const { labelLink } = usePanelPage();
  return (
    <>
      {Object.entries(labels).map(([name, value]) => {
        const link = labelLink?.(name, value, true) ?? null;
        const set = <LabelSet key={name} labels={{ [name]: value }} />;
        return link ? (
          <PanelLink key={name} link={link}>
            {set}
          </PanelLink>
        ) : (
          set
        );
      })}
    </>
  );
}

/** Lines of logs; a click opens one. */
export default function Logs(props: KindProps): ReactElement {
  const { frames, options, height, title } = props;
  const { utc } = usePageClock();
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [most, setMost] = useState(FIRST);
  const lines = useMemo(() => {
    const made = linesOf(frames);
    const sign = textAt(options, 'sortOrder') === 'Ascending' ? 1 : -1;
    return made.sort((a, b) => sign * (a.ms - b.ms));
  }, [frames, options]);
  if (lines.length === 0) return <NoData frames={frames} height={height} />;
  const wraps = flagAt(options, 'wrapLogMessage');
  const opens = flagAt(options, 'enableLogDetails', true);
  const toggle = (key: string): void => {
    const next = new Set(open);
    if (!next.delete(key)) next.add(key);
    setOpen(next);
  };
  return (
    <div className={styles.lines} style={{ height }} role="group" aria-label={title || 'Logs'} tabIndex={0}>
      {lines.slice(0, most).map((line) => {
        const shown = open.has(line.key);
        return (
          <div key={line.key} className={styles.line} data-level={line.level || undefined}>
            <div className={styles.head}>
              {opens ? (
                <button
                  type="button"
                  className="plain"
                  aria-expanded={shown}
                  aria-label="Details"
                  onClick={() => toggle(line.key)}
                >
                  <Glyph name={shown ? 'chevronDown' : 'chevronRight'} size={12} />
                </button>
              ) : null}
              {flagAt(options, 'showTime', true) && !Number.isNaN(line.ms) ? (
                <span className={styles.time}>{formatInstant(line.ms, utc)}</span>
              ) : null}
              {flagAt(options, 'showLabels') ? (
                <span className={styles.labels}>
                  <LabelSet labels={line.labels} />
                </span>
              ) : null}
              <span className={wraps || shown ? styles.wrapped : styles.text}>
                <Value mono text={flagAt(options, 'prettifyLogMessage') ? pretty(line.text) : line.text} />
              </span>
            </div>
            {shown ? (
              <div className={styles.details}>
                <Labels labels={line.labels} />
              </div>
            ) : null}
          </div>
        );
      })}
      {lines.length > most ? (
        <button type="button" className="button" onClick={() => setMost(MOST)}>
          Show {Math.min(MOST, lines.length) - most} more lines
        </button>
      ) : null}
    </div>
  );
}
