import { Tabs as MantineTabs } from '@mantine/core';
import '@mantine/core/styles/Tabs.css';
import type { ReactElement, ReactNode } from 'react';
import styles from './tabs.module.css';

export interface Tab {
  id: string;
  label: string;
  /** How many things are in it. */
  count?: number;
  content: ReactNode;
}

/** Parts of one thing, one shown at a time. The arrows move among the tabs and show them. */
export function Tabs(props: {
  label: string;
  tabs: readonly Tab[];
  /** The tab that is shown; without it the component keeps it, from the first. */
  value?: string;
  onChange?: (id: string) => void;
}): ReactElement {
  const { label, tabs, value, onChange } = props;
  const own = value === undefined ? { defaultValue: tabs[0]?.id ?? null } : { value };
  return (
    <MantineTabs
      {...own}
      keepMounted={false}
      onChange={(id) => {
        if (id !== null) onChange?.(id);
      }}
      classNames={{ list: styles.list ?? '', tab: styles.tab ?? '', panel: styles.panel ?? '' }}
    >
      <MantineTabs.List aria-label={label}>
        {tabs.map((tab) => (
          <MantineTabs.Tab key={tab.id} value={tab.id}>
            {tab.label}
            {tab.count === undefined ? null : <span className={styles.count}>{tab.count}</span>}
          </MantineTabs.Tab>
        ))}
      </MantineTabs.List>
      {tabs.map((tab) => (
        <MantineTabs.Panel key={tab.id} value={tab.id}>
          {tab.content}
        </MantineTabs.Panel>
      ))}
    </MantineTabs>
  );
}
