import type { ReactElement } from 'react';
import { logContext, type LogLine } from '../api/logs';
import { useAsked } from '../api/useAsked';
import { Drawer } from '../design/Drawer';
import { EmptyState } from '../design/EmptyState';
import { Skeleton } from '../design/Skeleton';
import type { FieldActions } from './LineDetails';
import { LineList } from './LineList';
import { lineKey } from './query';

const EACH_WAY = 50;

/** What the same origin said before a line and behind it. */
export function Around(props: FieldActions & { line: LogLine; onClose: () => void }): ReactElement {
  const { line, onClose, ...actions } = props;
  const { data, error } = useAsked({
    key: ['logs', 'context', line.origin, line.ts_ns],
    ask: (asking) => logContext(line, EACH_WAY, asking),
    refetchOnWindowFocus: false,
  });
  return (
    <Drawer open wide onClose={onClose} title={`Surrounding lines of ${line.service}`}>
      {error ? (
        <EmptyState reason="failed" title="The surroundings cannot be read">
          {error.message}
        </EmptyState>
      ) : data ? (
        <LineList
          {...actions}
          columns={[]}
          label="Surrounding lines"
          lines={[...data.lines].reverse()}
          marked={lineKey(line)}
        />
      ) : (
        <Skeleton kind="table" label="Surrounding lines" rows={12} />
      )}
    </Drawer>
  );
}
