import { Combobox, useCombobox, type ComboboxStore } from '@mantine/core';
import '@mantine/core/styles/Popover.css';
import '@mantine/core/styles/Combobox.css';
import clsx from 'clsx';
import {
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactElement,
  type ReactNode,
} from 'react';
import { holdsWords } from './filter';
import { Glyph } from './Glyph';
import { Icon } from './Icon';
import { Value } from './Value';
import { visibleText } from './value';
import styles from './choice.module.css';
import popover from './popover.module.css';

/** Something to choose: `value` is what is kept, `label` what is shown, `note` what stands beside it. */
export interface Option {
  value: string;
  label?: string;
  note?: string;
}

/** More than a reader looks through; typing narrows them. */
const MOST_SHOWN = 100;

function labelOf(option: Option): string {
  return option.label ?? option.value;
}

/** The options that hold every word of `wanted`, those that begin with it first. */
export function fittingOptions(options: readonly Option[], wanted: string): readonly Option[] {
  const [first] = wanted.toLowerCase().trim().split(/\s+/u);
  if (!first) return options;
  const holds = holdsWords(wanted);
  const fitting = options.filter((option) => holds(`${labelOf(option)} ${option.note ?? ''}`));
  const starts = (option: Option): number => Number(!labelOf(option).toLowerCase().startsWith(first));
  return fitting.sort((a, b) => starts(a) - starts(b));
}

function List(props: {
  options: readonly Option[];
  chosen: readonly string[];
  /** What was typed, where that can be chosen although it is no option. */
  free: string | null;
  freely: string | undefined;
  label: string;
}): ReactElement {
  const { options, chosen, free, freely = 'use', label } = props;
  const shown = options.slice(0, MOST_SHOWN);
  return (
    <Combobox.Dropdown
      className={clsx(popover.dropdown, shown.some(({ note }) => note !== undefined) && styles.wide)}
    >
      <Combobox.Options className={styles.options ?? ''} aria-label={label}>
        {shown.map((option) => (
          <Combobox.Option
            key={option.value}
            value={option.value}
            active={chosen.includes(option.value)}
            className={popover.item ?? ''}
          >
            <span className={styles.option}>
              <span className={styles.tick}>
                {chosen.includes(option.value) ? <Icon name="check" size={14} /> : null}
              </span>
              <span className={styles.said}>
                <span className="ellipsis">
                  <Value text={labelOf(option)} />
                </span>
                {option.note === undefined ? null : (
                  <span className={clsx('dim', styles.note)}>{option.note}</span>
                )}
              </span>
            </span>
          </Combobox.Option>
        ))}
        {free === null ? null : (
          <Combobox.Option value={free} className={popover.item ?? ''}>
            <span className={styles.option}>
              <span className={styles.tick}>
                <Icon name="plus" size={14} />
              </span>
              <span className="grow ellipsis">
                {freely} <Value text={free} mono />
              </span>
            </span>
          </Combobox.Option>
        )}
        {shown.length === 0 && free === null ? (
          <Combobox.Empty className={styles.none ?? ''}>Nothing fits</Combobox.Empty>
        ) : null}
        {options.length > MOST_SHOWN ? (
          <div className={styles.none}>and {options.length - MOST_SHOWN} more: type to narrow</div>
        ) : null}
      </Combobox.Options>
    </Combobox.Dropdown>
  );
}

function Frame(props: {
  store: ComboboxStore;
  onSubmit: (value: string) => void;
  children: ReactNode;
}): ReactElement {
  return (
    <Combobox
      store={props.store}
      onOptionSubmit={props.onSubmit}
      offset={4}
      position="bottom-start"
      width="target"
      middlewares={{ flip: true, shift: true }}
      transitionProps={{ duration: 0 }}
    >
      {props.children}
    </Combobox>
  );
}

export interface ChoiceProps {
  /** Its name, where no `Field` around it has one. */
  label: string;
  options: readonly Option[];
  value: string | null;
  onChange: (value: string | null) => void;
  placeholder?: string;
  /** What was typed may be taken although it is no option. */
  free?: boolean;
  /** What taking it does, before what was typed: use. */
  freely?: string;
  /** It can be emptied. */
  clearable?: boolean;
  invalid?: boolean;
  /** The form begins here. */
  first?: boolean;
  id?: string;
  describedBy?: string;
}

/** Whether Enter is to take what was typed: where the list has marked nothing yet, it would send the form instead. */
function takesTyped(event: KeyboardEvent, store: ComboboxStore): boolean {
  return event.key === 'Enter' && store.dropdownOpened && store.getSelectedOptionIndex() === -1;
}

/** One of many, found by typing: arrows move, Enter takes, Escape leaves it as it was. */
export function Choice(props: ChoiceProps): ReactElement {
  const { label, options, value, onChange, free = false } = props;
  const [typed, setTyped] = useState<string | null>(null);
  // What stands in the field is what is meant: whoever types and goes on, by a key or a click, has not pressed Enter.
  const left = useRef<string | undefined>(undefined);
  const store = useCombobox({
    onDropdownClose: (source) => {
      const next = left.current;
      left.current = undefined;
      // Escape alone closes it by a key.
      if (source !== 'keyboard' && next !== undefined && next !== value) onChange(next);
      setTyped(null);
      store.resetSelectedOption();
    },
  });
  const take = (next: string): void => {
    left.current = undefined;
    onChange(next);
    store.closeDropdown();
  };
  const current = options.find((option) => option.value === value);
  const kept = value === null ? '' : current ? labelOf(current) : value;
  const fitting = fittingOptions(options, typed ?? '');
  const wanted = (typed ?? '').trim();
  const exact = options.find((option) => labelOf(option) === wanted);
  const isFree = free && wanted !== '' && !exact;
  const meant = exact?.value ?? (isFree ? wanted : undefined);
  useLayoutEffect(() => {
    left.current = typed === null ? undefined : meant;
  });
  return (
    <Frame store={store} onSubmit={take}>
      <Combobox.DropdownTarget>
        <span className={styles.box}>
          <Combobox.EventsTarget withExpandedAttribute>
            <input
              className="field"
              id={props.id}
              aria-label={props.id === undefined ? label : undefined}
              aria-invalid={props.invalid ?? false}
              aria-describedby={props.describedBy}
              role="combobox"
              placeholder={props.placeholder}
              // A dialog looks for its first field once, and this one may come later.
              {...(props.first ? { autoFocus: true, 'data-autofocus': true } : {})}
              value={typed ?? visibleText(kept)}
              onChange={(event) => {
                setTyped(event.target.value);
                store.openDropdown();
                store.updateSelectedOptionIndex();
                store.selectFirstOption();
              }}
              onFocus={(event) => event.target.select()}
              onClick={() => store.openDropdown()}
              onKeyDownCapture={(event) => {
                if (typed === null || !takesTyped(event, store)) return;
                event.preventDefault();
                const next = meant ?? fitting[0]?.value;
                if (next === undefined) store.closeDropdown();
                else take(next);
              }}
              onBlur={() => store.closeDropdown()}
            />
          </Combobox.EventsTarget>
          {props.clearable && value !== null ? (
            <button
              type="button"
              className={styles.clear}
              aria-label={`Clear ${label}`}
              onClick={() => onChange(null)}
            >
              <Icon name="close" size={12} />
            </button>
          ) : (
            <span className={styles.chevron}>
              <Glyph name="chevronDown" size={13} />
            </span>
          )}
        </span>
      </Combobox.DropdownTarget>
      <List
        options={fitting}
        chosen={value === null ? [] : [value]}
        free={isFree ? wanted : null}
        freely={props.freely}
        label={label}
      />
    </Frame>
  );
}

/** Several of many: what is chosen stands in the field, Backspace takes the last away. */
export function MultiChoice(
  props: Omit<ChoiceProps, 'value' | 'onChange' | 'clearable'> & {
    values: readonly string[];
    onChange: (values: readonly string[]) => void;
  },
): ReactElement {
  const { label, options, values, onChange, free = false } = props;
  const [typed, setTyped] = useState('');
  const store = useCombobox({ onDropdownClose: () => store.resetSelectedOption() });
  const fitting = fittingOptions(options, typed);
  const wanted = typed.trim();
  const isFree = free && wanted !== '' && !options.some((option) => option.value === wanted);
  const toggle = (value: string): void => {
    onChange(values.includes(value) ? values.filter((one) => one !== value) : [...values, value]);
    setTyped('');
  };
  return (
    <Frame store={store} onSubmit={toggle}>
      <Combobox.DropdownTarget>
        <div className={styles.many}>
          {values.map((value) => {
            const option = options.find((one) => one.value === value) ?? { value };
            return (
              <span className={styles.chosen} key={value} data-chosen={value}>
                <span className="ellipsis">
                  <Value text={labelOf(option)} />
                </span>
                <button
                  type="button"
                  aria-label={`Remove ${visibleText(labelOf(option))}`}
                  onClick={() => toggle(value)}
                >
                  <Icon name="close" size={11} />
                </button>
              </span>
            );
          })}
          <Combobox.EventsTarget withExpandedAttribute>
            <input
              id={props.id}
              aria-label={props.id === undefined ? label : undefined}
              aria-invalid={props.invalid ?? false}
              aria-describedby={props.describedBy}
              role="combobox"
              placeholder={values.length === 0 ? props.placeholder : undefined}
              value={typed}
              onChange={(event) => {
                setTyped(event.target.value);
                store.openDropdown();
                store.updateSelectedOptionIndex();
                store.selectFirstOption();
              }}
              onClick={() => store.openDropdown()}
              onKeyDownCapture={(event) => {
                if (typed === '' || !takesTyped(event, store)) return;
                event.preventDefault();
                const next = isFree ? wanted : fitting[0]?.value;
                if (next !== undefined) toggle(next);
              }}
              onBlur={() => {
                if (isFree) toggle(wanted);
                store.closeDropdown();
              }}
              onKeyDown={(event) => {
                if (event.key === 'Backspace' && typed === '' && values.length > 0)
                  onChange(values.slice(0, -1));
              }}
            />
          </Combobox.EventsTarget>
        </div>
      </Combobox.DropdownTarget>
      <List
        options={fitting}
        chosen={values}
        free={isFree ? wanted : null}
        freely={props.freely}
        label={label}
      />
    </Frame>
  );
}
