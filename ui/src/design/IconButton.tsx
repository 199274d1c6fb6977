import type { ReactElement } from 'react';
import { Icon, type IconName } from './Icon';

/** A button that is only an icon; `label` is its name and its tooltip. */
export function IconButton(props: {
  /** An icon of the frame by its name, or a `Glyph`. */
  icon: IconName | ReactElement;
  label: string;
  onClick: () => void;
  /** Given for a button that stays pressed. */
  active?: boolean;
  disabled?: boolean;
  spin?: boolean;
}): ReactElement {
  const { icon, label, onClick, disabled = false, spin = false } = props;
  return (
    <button
      type="button"
      className="icon-button"
      title={label}
      aria-label={label}
      aria-pressed={props.active}
      disabled={disabled}
      onClick={onClick}
    >
      {typeof icon === 'string' ? <Icon name={icon} spin={spin} /> : icon}
    </button>
  );
}
