import type { ReactElement } from 'react';
import { bounded, failure } from '../api/client';
import { useAsked } from '../api/useAsked';
import styles from './kernels.module.css';

interface Counts {
  compiled: number;
  total: number;
}

const COUNTED_MS = 1_000;
const LONGEST_MS = 5_000;

async function kernels(signal?: AbortSignal): Promise<Counts> {
  try {
    const response = await fetch('/-/kernels', { signal: bounded(signal, LONGEST_MS) });
    return (await response.json()) as Counts;
  } catch (error) {
    throw failure(error, '/-/kernels');
  }
}

function isLacking(counts: Counts | undefined): counts is Counts {
  return counts !== undefined && counts.compiled < counts.total;
}

/** How far compiling is, which happens once after an installation; gone when all is compiled. */
export default function Kernels(): ReactElement | null {
  const { data, isError } = useAsked({
    key: ['kernels'],
    ask: ({ signal }) => kernels(signal),
    // What is compiled stays so until the server is started anew, and then everything is asked again.
    staleTime: Infinity,
    refetchInterval: (query) =>
      query.state.status === 'success' && isLacking(query.state.data) ? COUNTED_MS : false,
  });
  if (isError || !isLacking(data)) return null;
  const text = `Preparing: ${data.compiled} of ${data.total}`;
  return (
    <div
      className={styles.kernels}
      title="After an installation code is compiled for this processor, once. Until then first answers take longer."
    >
      <span>{text}</span>
      <progress max={data.total} value={data.compiled} aria-label={text} />
    </div>
  );
}
