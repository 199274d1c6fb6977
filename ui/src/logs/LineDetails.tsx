import type { ReactElement } from 'react';
import type { Attribute, LogLine } from '../api/logs';
import { formatInstant } from '../design/format';
import { usePageClock } from '../design/hooks';
import { Glyph } from '../design/Glyph';
import { CopyIcon, IconButton } from '../design/parts';
import { Value } from '../design/Value';
import { WhatElseButton } from '../related/WhatElse';
import { TraceLink } from '../traces/TraceLink';
import { msOf, traceIdIn } from './query';
import styles from './logs.module.css';

export interface FieldActions {
  onCondition: (name: string, value: string, include: boolean) => void;
  onColumn: (name: string) => void;
  columns: readonly string[];
}

function FieldRow(props: FieldActions & { name: string; value: string }): ReactElement {
  const { name, value, onCondition, onColumn, columns } = props;
  const traceId = traceIdIn(name, value);
  return (
    <tr>
      <th scope="row">
        <Value text={name} mono />
      </th>
      <td className={styles.acts}>
        <IconButton
          icon="plus"
          label={`Only ${name} of this value`}
          onClick={() => onCondition(name, value, true)}
        />
        <IconButton
          icon={<Glyph name="dash" />}
          label={`Without ${name} of this value`}
          onClick={() => onCondition(name, value, false)}
        />
        <IconButton
          icon={<Glyph name="columns" />}
          label={`Column ${name}`}
          active={columns.includes(name)}
          onClick={() => onColumn(name)}
        />
        <CopyIcon text={value} label={`Copy ${name}`} />
      </td>
      <td className={styles.fieldValue}>
        {traceId === null ? (
          <Value text={value} mono />
        ) : (
          <TraceLink traceId={traceId}>
            <Value text={value} mono />
          </TraceLink>
        )}
      </td>
    </tr>
  );
}

function ownFields(line: LogLine): Attribute[] {
  const { scope } = line;
  const own: [string, string][] = [
    ['level', line.level],
    ['service', line.service],
    ['severity_text', line.severity_text],
    ['event_name', line.event_name],
    ['trace_id', line.trace_id],
    ['span_id', line.span_id],
  ];
  const named: [string, string][] = own.filter(([, value]) => value !== '');
  return [...named.map(([key, value]) => [key, value, 's'] as const), ...scope.attributes];
}

/** All that is known of a line, each value with what may be done about it. */
export function LineDetails(props: FieldActions & { line: LogLine; onAround?: () => void }): ReactElement {
  const { line, onAround, ...actions } = props;
  const { utc } = usePageClock();
  const groups: readonly (readonly [string, readonly Attribute[]])[] = [
    ['Line', ownFields(line)],
    ['Attributes', line.attributes],
    ['Resource', line.resource],
  ];
  return (
    <div className={styles.details}>
      <div className={styles.detailTools}>
        <span className="dim">
          {formatInstant(Math.floor(msOf(line.ts_ns) / 1000) * 1000, utc)}.{line.ts_ns.slice(-9)}
        </span>
        <span className="grow" />
        {onAround ? (
          <>
            <WhatElseButton about={{ kind: 'line', origin: line.origin, tsNs: line.ts_ns }} />
            <button type="button" className="button" onClick={onAround}>
              Surrounding lines
            </button>
          </>
        ) : null}
        {line.trace_id === '' ? null : (
          <TraceLink
            traceId={line.trace_id}
            {...(line.span_id === '' ? {} : { span: line.span_id })}
            className="button"
          >
            Trace
          </TraceLink>
        )}
        <CopyIcon text={line.body} label="Copy the line" />
        <CopyIcon text={() => JSON.stringify(line, null, 2)} label="Copy as JSON" />
      </div>
      <pre className={styles.whole} tabIndex={0} aria-label="The whole line">
        {line.body.split('\n').map((part, i) => (
          <span key={i}>
            <Value text={part === '' ? ' ' : part} mono />
            {'\n'}
          </span>
        ))}
      </pre>
      <table className={styles.fields}>
        {groups.map(([name, pairs]) =>
          pairs.length === 0 ? null : (
            <tbody key={name}>
              <tr>
                <th scope="colgroup" colSpan={3} className="dim">
                  {name}
                </th>
              </tr>
              {pairs.map(([key, value], i) => (
                <FieldRow key={`${i} ${key}`} name={key} value={value} {...actions} />
              ))}
            </tbody>
          ),
        )}
      </table>
    </div>
  );
}
