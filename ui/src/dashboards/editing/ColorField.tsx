import type { ReactElement } from 'react';
import { Field } from '../../design/fields';
import { Choice, type Option } from '../../design/Choice';
import { useScheme } from '../../design/hooks';
import { namedColor } from '../../panels/palette';
import styles from './editing.module.css';

const HUES = ['green', 'yellow', 'orange', 'red', 'blue', 'purple'];
const COLORS: readonly Option[] = [
  ...HUES,
  ...HUES.flatMap((hue) => [`dark-${hue}`, `light-${hue}`]),
  'text',
  'transparent',
].map((value) => ({ value }));

/** A colour by a name that dashboards have, or as `#rrggbb`. */
export function ColorField(props: {
  label: string;
  /** Its name is read and not seen, as where many stand below each other. */
  bare?: boolean;
  value: string;
  onChange: (color: string) => void;
}): ReactElement {
  const { label, bare = false, value, onChange } = props;
  const scheme = useScheme();
  const control = (id?: string): ReactElement => (
    <span className={styles.color}>
      <i className={styles.swatch} style={{ background: namedColor(value, scheme) }} />
      <Choice
        {...(id === undefined ? {} : { id })}
        label={label}
        free
        options={COLORS}
        value={value === '' ? null : value}
        placeholder="none"
        onChange={(next) => onChange(next ?? '')}
      />
    </span>
  );
  return bare ? control() : <Field label={label}>{({ id }) => control(id)}</Field>;
}
