import type { ReactElement } from 'react';
import type { RunStep, RunView } from '../api/runs';
import { formatInstant, formatSeconds, formatValue } from '../design/format';
import { usePageClock } from '../design/hooks';
import { IconButton, Note } from '../design/parts';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { TraceLink } from '../traces/TraceLink';
import { Facts, StateChip } from './parts';
import { againstTypical, costText, plainText } from './state';
import styles from './run.module.css';

function Tries({ step }: { step: RunStep }): ReactElement | null {
  const { utc } = usePageClock();
  if (step.tries.length < 2) return null;
  return (
    <ol className={styles.tries} aria-label="Attempts">
      {step.tries.map((one) => (
        <li key={one.attempt}>
          <span className="row wrap">
            <b>Attempt {one.attempt}</b>
            <StateChip state={one.state} />
            {one.start_ms === null ? null : (
              <span className="dim">
                {formatInstant(one.start_ms, utc)}
                {one.end_ms === null
                  ? ''
                  : `, ${formatSeconds(Math.max(0, one.end_ms - one.start_ms) / 1000)}`}
              </span>
            )}
            {one.node === '' ? null : (
              <span className="dim">
                on <Value text={one.node} />
              </span>
            )}
          </span>
          {one.error === '' ? null : <Value text={one.error} mono />}
        </li>
      ))}
    </ol>
  );
}

/** All that is known of one step. */
export function StepPanel({
  view,
  step,
  onClose,
}: {
  view: RunView;
  step: RunStep;
  onClose: () => void;
}): ReactElement {
  const { utc } = usePageClock();
  const label = step.name || step.id;
  const names = new Map(view.steps.map(({ id, name }) => [id, name || id]));
  const usual = againstTypical(step.duration_ms, step.typical_ms);
  const resources = Object.entries(step.resources);
  const attributes = Object.entries(step.attributes);
  return (
    <section className={styles.step} aria-label={`Step ${visibleText(label)}`}>
      <header className="row">
        <h3 className="grow">
          <Value text={label} />
        </h3>
        <StateChip state={step.state} />
        <IconButton icon="close" label="Close the step" onClick={onClose} />
      </header>
      {step.error === '' ? null : (
        <Note level="bad">
          <Value text={step.error} mono />
        </Note>
      )}
      {step.message === '' ? null : (
        <p>
          <Value text={step.message} />
        </p>
      )}
      <Facts
        facts={[
          step.id === label ? null : ['Id', <Value text={step.id} mono />],
          step.start_ms === null ? null : ['Began', formatInstant(step.start_ms, utc)],
          step.duration_ms === null
            ? null
            : [
                'Took',
                <>
                  {formatSeconds(step.duration_ms / 1000)}
                  {usual === '' ? '' : <span className="dim"> {usual}</span>}
                </>,
              ],
          step.duration_ms !== null || step.typical_ms === null
            ? null
            : ['As a rule', formatSeconds(step.typical_ms / 1000)],
          step.queued_ms === null || step.start_ms === null
            ? null
            : ['Waited', formatSeconds(Math.max(0, step.start_ms - step.queued_ms) / 1000)],
          step.progress === null ? null : ['Progress', formatValue(step.progress, 'ratio')],
          step.depends_on.length === 0
            ? null
            : [
                'Waits for',
                <Value
                  text={step.depends_on
                    .slice(0, 12)
                    .map((id) => names.get(id) ?? id)
                    .join(', ')}
                />,
              ],
          step.node === '' ? null : ['Node', <Value text={step.node} />],
          step.input_size === null ? null : ['Input size', formatValue(step.input_size, 'none')],
          step.cost === null ? null : ['Cost', costText(step.cost, view.run.cost_unit)],
          ...resources.map(([name, value]) => [visibleText(name), formatValue(value, 'none')] as const),
          step.trace_id === ''
            ? null
            : [
                'Span',
                <TraceLink
                  traceId={step.trace_id}
                  {...(step.span_id === '' ? {} : { span: step.span_id })}
                  className="mono"
                >
                  {step.span_id || step.trace_id.slice(0, 16)}
                </TraceLink>,
              ],
          ...attributes
            .slice(0, 20)
            .map(([name, value]) => [visibleText(name), <Value text={plainText(value)} mono />] as const),
        ]}
      />
      <Tries step={step} />
    </section>
  );
}
