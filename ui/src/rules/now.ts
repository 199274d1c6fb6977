// What an expression answers at this moment, in words: whoever writes a rule sees at once whether it holds.

import type { QueryAnswer } from '../api/types';

/** How many series an answer has; a scalar is one. */
export function seriesIn(answer: QueryAnswer): number {
  return answer.resultType === 'scalar' ? 1 : answer.result.length;
}

export interface Said {
  text: string;
  /** It can hardly be meant so. */
  suspicious: boolean;
}

function counted(count: number): string {
  return `${count.toLocaleString('en')} series`;
}

/**
 * Of an alert: `found` is how many series it holds for, `measured` how many it compares, null where that is not known.
 * An alert that is not limited could be.
 */
export function alertNow(found: number, measured: number | null, isLimited = true): Said {
  if (found > 0 && !isLimited)
    return {
      text: `Now it holds for ${counted(found)}: without a limit it fires whatever the value is`,
      suspicious: true,
    };
  if (found > 0)
    return {
      text:
        measured === null
          ? `Now it holds for ${counted(found)}`
          : `Now it holds for ${found} of ${counted(measured)}`,
      suspicious: false,
    };
  if (measured === 0)
    return {
      text: 'Now there is nothing to compare: no series is called so, or has these labels',
      suspicious: true,
    };
  return {
    text: measured === null ? 'Now it holds for nothing' : `Now it holds for none of ${counted(measured)}`,
    suspicious: false,
  };
}

/** Of what is recorded. */
export function recordNow(found: number): Said {
  return found === 0
    ? { text: 'Now there is nothing to record: the answer is empty', suspicious: true }
    : { text: `Now it records ${counted(found)}`, suspicious: false };
}
