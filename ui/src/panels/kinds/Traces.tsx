import { useMemo, type ReactElement } from 'react';
import type { TableColumn } from '../../design/table/columns';
import { DataTable } from '../../design/table/DataTable';
import { Value } from '../../design/Value';
import { TraceLink } from '../../traces/TraceLink';
import type { KindProps } from '../context';
import { cellText, lengthOf, numeric } from '../frame';
import type { ShownFrame } from '../overrides';
import { show, type Looks } from '../shown';
import { NoData } from './NoData';

interface RowAt {
  row: number;
}

const HEADS: Readonly<Record<string, string>> = {
  traceID: 'trace',
  startTime: 'start',
  traceService: 'service',
  traceName: 'name',
  traceDuration: 'duration',
};

function columnsOf(frame: ShownFrame, looks: Looks): TableColumn<RowAt>[] {
  return frame.fields.map((field, place): TableColumn<RowAt> => {
    const isTrace = field.name.toLowerCase() === 'traceid';
    const isNumber = field.type === 'number';
    const config =
      field.name === 'traceDuration' && field.config.unit === 'none'
        ? { ...field.config, unit: 'ms' }
        : field.config;
    return {
      id: String(place),
      title: HEADS[field.name] ?? field.title,
      ...(isNumber ? { kind: 'number' as const } : {}),
      value: ({ row }) =>
        isNumber || field.type === 'time' ? numeric(field.values[row] ?? null) : cellText(field.values[row]),
      cell: ({ row }) => {
        const text = cellText(field.values[row]);
        if (isTrace) return <TraceLink traceId={text}>{text.slice(0, 16)}</TraceLink>;
        return <Value text={show(config, field.values[row] ?? null, looks).text} />;
      },
      titled: !isTrace,
      chars: isTrace ? 18 : isNumber ? 12 : 22,
    };
  });
}

/** Traces as a list that leads to each. */
export default function Traces(props: KindProps): ReactElement {
  const { frames, looks, height, title } = props;
  const frame = frames.find(({ fields }) => fields.some(({ name }) => name.toLowerCase() === 'traceid'));
  const columns = useMemo(() => (frame ? columnsOf(frame, looks) : []), [frame, looks]);
  const rows = useMemo(
    () => Array.from({ length: frame ? lengthOf(frame) : 0 }, (_, row): RowAt => ({ row })),
    [frame],
  );
  if (!frame || rows.length === 0) return <NoData frames={frames} height={height} />;
  return (
    <DataTable
      bare
      tall="narrow"
      label={title || 'Traces'}
      columns={columns}
      rows={rows}
      rowKey={({ row }) => String(row)}
      height={height}
    />
  );
}
