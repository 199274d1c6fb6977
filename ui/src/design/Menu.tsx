import { Menu as MantineMenu } from '@mantine/core';
import '@mantine/core/styles/Popover.css';
import '@mantine/core/styles/Menu.css';
import type { ReactElement } from 'react';
import { Glyph, type GlyphName } from './Glyph';
import styles from './popover.module.css';

/** One row of a menu: something to do, something to switch, a heading, or a line. */
export type MenuEntry =
  | {
      kind: 'action';
      label: string;
      icon?: GlyphName;
      /** Keys that do the same, as they are shown. */
      keys?: string;
      danger?: boolean;
      /** Why it does nothing now; stands below its label. */
      whyNot?: string | null;
      run: () => void;
    }
  | {
      kind: 'check';
      label: string;
      checked: boolean;
      whyNot?: string | null;
      change: (checked: boolean) => void;
    }
  | { kind: 'heading'; label: string }
  | { kind: 'line' };

/** What bars a row: the arrows come to it all the same, so that its reason is read. */
function barsOf(whyNot: string | null): object {
  return whyNot === null ? {} : { 'aria-disabled': true, closeMenuOnClick: false };
}

function Words({ label, whyNot }: { label: string; whyNot: string | null }): ReactElement {
  return whyNot === null ? (
    <>{label}</>
  ) : (
    <>
      {label} <span className={styles.why}>{whyNot}</span>
    </>
  );
}

function Entry({ entry }: { entry: MenuEntry }): ReactElement {
  const whyNot = ('whyNot' in entry ? entry.whyNot : null) ?? null;
  switch (entry.kind) {
    case 'action':
      return (
        <MantineMenu.Item
          {...barsOf(whyNot)}
          onClick={whyNot === null ? entry.run : undefined}
          leftSection={entry.icon ? <Glyph name={entry.icon} size={15} /> : null}
          rightSection={entry.keys ? <span className={styles.keys}>{entry.keys}</span> : null}
          {...(entry.danger ? { 'data-danger': true } : {})}
        >
          <Words label={entry.label} whyNot={whyNot} />
        </MantineMenu.Item>
      );
    case 'check':
      return (
        <MantineMenu.CheckboxItem
          {...barsOf(whyNot)}
          checked={entry.checked}
          onChange={whyNot === null ? entry.change : undefined}
        >
          <Words label={entry.label} whyNot={whyNot} />
        </MantineMenu.CheckboxItem>
      );
    case 'heading':
      return <MantineMenu.Label>{entry.label}</MantineMenu.Label>;
    case 'line':
      return <MantineMenu.Divider />;
  }
}

/**
 * A button that opens a menu. Arrows move, letters jump, Enter does, Escape closes and goes back to the button.
 * With `icon` alone the button is only that, and `label` its name.
 */
export function Menu(props: {
  label: string;
  entries: readonly MenuEntry[];
  icon?: GlyphName;
  /** Show the icon alone. */
  compact?: boolean;
  disabled?: boolean;
}): ReactElement {
  const { label, entries, icon, compact = false, disabled = false } = props;
  return (
    <MantineMenu
      position="bottom-end"
      offset={4}
      withInitialFocusPlaceholder={false}
      transitionProps={{ duration: 0 }}
      classNames={{
        dropdown: styles.dropdown ?? '',
        item: styles.item ?? '',
        itemSection: styles.section ?? '',
        label: styles.label ?? '',
        divider: styles.divider ?? '',
      }}
    >
      <MantineMenu.Target>
        <button
          type="button"
          className={compact ? 'icon-button' : 'button'}
          disabled={disabled}
          {...(compact ? { 'aria-label': label, title: label } : {})}
        >
          {icon ? <Glyph name={icon} size={compact ? 16 : 15} /> : null}
          {compact ? null : label}
          {compact ? null : <Glyph name="chevronDown" size={13} />}
        </button>
      </MantineMenu.Target>
      <MantineMenu.Dropdown>
        {entries.map((entry, i) => (
          <Entry key={entry.kind === 'line' ? `line ${i}` : entry.label} entry={entry} />
        ))}
      </MantineMenu.Dropdown>
    </MantineMenu>
  );
}
