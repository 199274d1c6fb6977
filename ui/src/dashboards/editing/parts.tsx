import { useState, type ReactElement, type ReactNode } from 'react';
import { ChoiceField, TextField } from '../../design/fields';
import { at, textAt, type Json, type JsonObject } from '../../panels/json';
import type { Choices } from './properties';
import styles from './editing.module.css';

/** Settings that belong together, under a name. */
export function Section({ title, children }: { title: string; children: ReactNode }): ReactElement {
  return (
    <>
      <h3>{title}</h3>
      {children}
    </>
  );
}

/** Fields beside each other. */
export function Side({ children }: { children: ReactNode }): ReactElement {
  return <div className={styles.side}>{children}</div>;
}

/** A number, or none. */
export function NumberField(props: {
  label: string;
  value: number | undefined;
  onChange: (value: number | undefined) => void;
  placeholder?: string;
}): ReactElement {
  const { label, value, onChange, placeholder = 'auto' } = props;
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <TextField
      label={label}
      inputMode="decimal"
      value={typed ?? (value === undefined ? '' : String(value))}
      onChange={(next) => {
        setTyped(next);
        const read = Number(next);
        if (next.trim() === '') onChange(undefined);
        else if (Number.isFinite(read)) onChange(read);
      }}
      onBlur={() => setTyped(null)}
      placeholder={placeholder}
    />
  );
}

/** A text that is taken once it is good; until then it says what is wrong. */
export function CheckedField(props: {
  label: string;
  hint?: string;
  value: string;
  faultOf: (text: string) => string | null;
  onChange: (value: string) => void;
}): ReactElement {
  const { label, hint, value, faultOf, onChange } = props;
  const [typed, setTyped] = useState<string | null>(null);
  const fault = typed === null ? null : faultOf(typed);
  return (
    <TextField
      label={label}
      hint={hint}
      mono
      error={fault ?? undefined}
      value={typed ?? value}
      onChange={(next) => {
        setTyped(next);
        if (faultOf(next) === null) onChange(next);
      }}
      onBlur={() => setTyped(null)}
    />
  );
}

/** One of few, which is never none. */
export function Select(props: {
  label: string;
  value: string;
  choices: Choices;
  onChange: (value: string) => void;
}): ReactElement {
  const { label, value, choices, onChange } = props;
  return (
    <ChoiceField
      label={label}
      options={choices.map(([id, name]) => ({ value: id, label: name }))}
      value={value}
      onChange={(next) => onChange(next ?? choices[0]?.[0] ?? '')}
    />
  );
}

const SOURCES: Readonly<Record<string, string>> = {
  prometheus: 'Metrics (Prometheus)',
  loki: 'Logs (Loki)',
  tempo: 'Traces (Tempo)',
};
const OTHER = 'other';

/** What a definition asks: metrics, logs, traces, or another source by the name that it has. */
export function SourceField(props: {
  value: Json | undefined;
  /** Variables that stand for a data source. */
  variables?: readonly string[];
  kinds?: readonly string[];
  onChange: (value: JsonObject) => void;
}): ReactElement {
  const { value, variables = [], kinds = Object.keys(SOURCES), onChange } = props;
  const type = textAt(value, 'type');
  const uid = typeof value === 'string' ? value : textAt(value, 'uid');
  const named = variables.find((name) => uid === `$${name}` || uid === `\${${name}}`);
  const own = kinds.includes(type) && named === undefined;
  const now =
    named === undefined ? (own ? type : uid === '' && type === '' ? 'prometheus' : OTHER) : `$${named}`;
  const options = [
    ...kinds.map((kind) => ({ value: kind, label: SOURCES[kind] ?? kind })),
    ...variables.map((name) => ({ value: `$${name}`, label: `$${name}`, note: 'variable' })),
    ...(now === OTHER ? [{ value: OTHER, label: uid || type, note: type }] : []),
  ];
  return (
    <ChoiceField
      label="Data source"
      options={options}
      value={now}
      onChange={(next) => {
        if (next === null || next === now || next === OTHER) return;
        if (next.startsWith('$')) onChange({ type: type || 'prometheus', uid: `\${${next.slice(1)}}` });
        else onChange({ type: next, uid: next });
      }}
    />
  );
}

/** What nothing here has fields for, as JSON; it is taken once it can be read. */
export function JsonField(props: {
  label: string;
  value: Json | undefined;
  onChange: (value: Json) => void;
}): ReactElement {
  const { label, value, onChange } = props;
  return (
    <CheckedField
      label={label}
      hint="Written for another data source: its JSON"
      value={JSON.stringify(value ?? null)}
      faultOf={(text) => (readJson(text) === undefined ? 'This is not JSON' : null)}
      onChange={(text) => onChange(readJson(text) ?? null)}
    />
  );
}

/** What a text holds; undefined where it is no JSON. */
export function readJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** Names that are parted by commas, as a text and back. */
export function namesOf(text: string): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

/** Whether anything stands at `path` that is not nothing. */
export function isSet(value: unknown, path: string): boolean {
  const found = at(value, path);
  return found !== undefined && found !== null && found !== '';
}
