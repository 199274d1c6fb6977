import { useElementSize } from '@mantine/hooks';
import { useCallback, useMemo, useState, type CSSProperties, type ReactElement } from 'react';
import { usePanelPage } from './context';
import { at, flagAt, numberAt, oneAt, textAt, texts, type JsonObject } from './json';
import { LinkMenu, type MenuAt } from './LinkMenu';
import { PanelLegend, type LegendItem } from './PanelLegend';
import { besideOf, nameRoom } from './legendRoom';
import styles from './serieslegend.module.css';

const NONE: ReadonlySet<number> = new Set();
/** Lower than this a panel has no room for a legend. */
const LEAST_PX = 110;
const MARKED = 40;

export interface Choosing {
  hidden: ReadonlySet<number>;
  focused: number | null;
  onFocus: (index: number | null) => void;
}

/** What the reader hid, by the series' titles, so that a refresh with others keeps the choice. */
function useHidden(items: readonly LegendItem[]): {
  hidden: ReadonlySet<number>;
  isolate: (index: number) => void;
  toggle: (index: number) => void;
} {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const hidden = useMemo(() => {
    const found = new Set(items.flatMap(({ title, index }) => (chosen.has(title) ? [index] : [])));
    return found.size === 0 || found.size === items.length ? NONE : found;
  }, [items, chosen]);
  const titleOf = useCallback(
    (index: number): string => items.find((item) => item.index === index)?.title ?? '',
    [items],
  );
  const isolate = useCallback(
    (index: number) => {
      const title = titleOf(index);
      const alone =
        !hidden.has(index) &&
        hidden.size > 0 &&
        items.every((item) => item.title === title || hidden.has(item.index));
      setChosen(new Set(alone ? [] : items.map((item) => item.title).filter((one) => one !== title)));
    },
    [items, hidden, titleOf],
  );
  const toggle = useCallback(
    (index: number) => {
      const next = new Set(hidden.size === 0 ? [] : chosen);
      if (!next.delete(titleOf(index))) next.add(titleOf(index));
      setChosen(next);
    },
    [hidden, chosen, titleOf],
  );
  return { hidden, isolate, toggle };
}

/** A chart, and where the panel's options say the legend of its series; the chart has the room that is left. */
export function WithLegend(props: {
  options: JsonObject;
  items: readonly LegendItem[];
  width: number;
  height: number;
  children: (size: { width: number; height: number }, choosing: Choosing) => ReactElement | null;
}): ReactElement {
  const { options, items, width, height, children } = props;
  const [focused, setFocused] = useState<number | null>(null);
  const { ref, ...size } = useElementSize();
  const { hidden, isolate, toggle } = useHidden(items);
  const mode = oneAt(options, 'legend.displayMode', ['list', 'table', 'hidden']);
  const shown =
    flagAt(options, 'legend.showLegend', true) && mode !== 'hidden' && items.length > 0 && height >= LEAST_PX;
  const calcs = useMemo(() => texts(at(options, 'legend.calcs')), [options]);
  const figures = mode === 'table' ? calcs.length + (items[0]?.notes?.length ?? 0) : 0;
  const right = textAt(options, 'legend.placement') === 'right' && besideOf(width, figures);
  const sort = useMemo(() => {
    const by = textAt(options, 'legend.sortBy');
    return by === '' ? null : { by, desc: flagAt(options, 'legend.sortDesc', true) };
  }, [options]);
  const { labelLink } = usePanelPage();
  const [menu, setMenu] = useState<MenuAt | null>(null);
  const offer = useCallback(
    ({ field }: LegendItem, x: number, y: number) => {
      const links = Object.entries(field.labels ?? {}).flatMap(([name, value]) =>
        name === '__name__' ? [] : (labelLink?.(name, value) ?? []),
      );
      if (links.length > 0) setMenu({ x, y, links });
    },
    [labelLink],
  );
  const close = useCallback(() => setMenu(null), []);
  const choosing: Choosing = { hidden, focused, onFocus: setFocused };
  if (!shown) return <div className={styles.plot}>{children({ width, height }, choosing)}</div>;
  const wide = numberAt(options, 'legend.width');
  const room: CSSProperties & Record<'--name-room', string> = {
    '--name-room': `${nameRoom(width, figures)}px`,
    ...(wide !== undefined && wide > 0 ? { width: wide } : {}),
  };
  return (
    <div className={right ? styles.beside : styles.below} style={{ height }}>
      <div className={styles.plot} ref={ref}>
        {size.width > 0 && size.height > 0
          ? children({ width: size.width, height: size.height }, choosing)
          : null}
      </div>
      <div className={right ? styles.side : styles.foot} {...(right ? { style: room } : {})}>
        <PanelLegend
          items={items}
          table={mode === 'table'}
          calcs={calcs}
          sort={sort}
          hidden={hidden}
          // Of many, the one that is meant is told beside the mouse; to draw them all anew at each move is too slow.
          focused={items.length > MARKED ? null : focused}
          onFocus={setFocused}
          onIsolate={isolate}
          onToggle={toggle}
          onLabels={labelLink ? offer : undefined}
        />
        <LinkMenu at={menu} onClose={close} />
      </div>
    </div>
  );
}
