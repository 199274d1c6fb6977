import { useDebouncedValue } from '@mantine/hooks';
import clsx from 'clsx';
import type { ReactElement } from 'react';
import { comparedIn } from '../alerts/threshold';
import { queryInstant } from '../api/calls';
import { ApiError } from '../api/client';
import { useAsked } from '../api/useAsked';
import { Icon } from '../design/Icon';
import { Value } from '../design/Value';
import { limitedIn } from './limit';
import { alertNow, recordNow, seriesIn, type Said } from './now';
import styles from './rules.module.css';

const SETTLED_MS = 600;

function Line({ said }: { said: Said }): ReactElement {
  return (
    <>
      {said.suspicious ? <Icon name="warning" size={13} /> : null}
      {said.text}
    </>
  );
}

/** Below an expression: what it answers now, or why it has no answer. */
export function RuleNow({ kind, expr }: { kind: 'alert' | 'record'; expr: string }): ReactElement {
  const [settled] = useDebouncedValue(expr.trim(), SETTLED_MS);
  const measure = kind === 'alert' ? (comparedIn(settled)?.measure ?? null) : null;
  const answer = useAsked({
    key: ['rule now', kind, settled],
    ask: async (asking): Promise<Said> => {
      const seconds = Date.now() / 1000;
      const count = async (query: string): Promise<number> =>
        seriesIn((await queryInstant(query, seconds, asking)).data);
      const found = await count(settled);
      return kind === 'record'
        ? recordNow(found)
        : alertNow(found, measure === null ? null : await count(measure), limitedIn(settled)?.limit !== null);
    },
    enabled: settled !== '',
    retry: false,
    refetchOnWindowFocus: false,
  });
  const isCurrent = settled === expr.trim() && !answer.isPending;
  // A server that cannot be reached says nothing about what was typed.
  const fault = answer.error instanceof ApiError && answer.error.kind !== 'refused' ? null : answer.error;
  return (
    <p
      className={clsx(
        styles.now,
        isCurrent && (fault ? styles.wrong : answer.data?.suspicious && styles.odd),
      )}
      aria-live="polite"
    >
      {settled === '' || expr.trim() === '' ? (
        kind === 'alert' ? (
          'Every series of its answer is an alert'
        ) : (
          'Every series of its answer is recorded'
        )
      ) : !isCurrent ? (
        'Now…'
      ) : answer.error ? (
        <>
          <Icon name="error" size={13} />
          {fault ? (
            <Value text={fault.message} />
          ) : (
            <>
              What it answers now is not known: <Value text={answer.error.message} />
            </>
          )}
        </>
      ) : (
        <Line said={answer.data} />
      )}
    </p>
  );
}
