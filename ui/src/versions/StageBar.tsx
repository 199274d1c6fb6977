import type { ReactElement } from 'react';
import type { Run } from '../api/versions';
import styles from './versions.module.css';

/** How a stage is: over with an outcome, under way, or to come. */
export function stageState(run: Run | null, weight: number): string {
  if (run === null) return 'ahead';
  const ended = run.stages.find((stage) => stage.weight === weight);
  if (ended) return ended.outcome;
  if (run.weight === weight && run.ended === null) return run.phase;
  return 'ahead';
}

const WORDS: Readonly<Record<string, string>> = {
  pass: 'passed',
  fail: 'failed',
  skipped: 'left out',
  aborted: 'ended',
  running: 'under way',
  waiting: 'passed, waits',
  ahead: 'to come',
};

/** The stages of a rollout, and how each is. */
export function StageBar({ stages, run }: { stages: readonly number[]; run: Run | null }): ReactElement {
  return (
    <ol className={styles.stages} aria-label="Stages">
      {stages.map((weight) => {
        const state = stageState(run, weight);
        return (
          <li key={weight} data-state={state} title={`${weight} %: ${WORDS[state] ?? state}`}>
            <span>{weight} %</span>
            <span className="visually-hidden">{WORDS[state] ?? state}</span>
          </li>
        );
      })}
    </ol>
  );
}
