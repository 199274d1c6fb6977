// What a replay says, in sentences.

import type { Outcome, Replay } from '../api/rules';

export const LAST = '7d';

function times(count: number): string {
  return count === 1 ? 'once' : count === 2 ? 'twice' : `${count.toLocaleString('en')} times`;
}

/** "would have fired 3 times and told once": what one version would have done. */
export function saidOf({ fired, pages, untold }: Outcome): string {
  if (fired === 0) return 'It would not have fired in the last 7 days.';
  const told = pages === 0 ? 'told nobody' : `told ${times(pages)}`;
  const nobody =
    untold === 0 || pages === 0
      ? ''
      : ` ${untold === 1 ? 'One alert' : `${untold.toLocaleString('en')} alerts`} would have reached nobody.`;
  return `It would have fired ${times(fired)} and ${told} in the last 7 days.${nobody}`;
}

/** What another version changes of that; null without one. */
export function changeOf({ outcome, compared, difference }: Replay): string | null {
  if (compared === null || difference === null) return null;
  const before = `As it is now, it fired ${times(outcome.fired)} and told ${times(outcome.pages)}.`;
  const { saved, added, lost, gained } = difference;
  const parts = [
    ...(saved > 0 ? [`${saved} messages fewer`] : []),
    ...(added > 0 ? [`${added} messages more`] : []),
    ...(lost > 0 ? [`${lost} alerts that nobody would hear of any more`] : []),
    ...(gained > 0 ? [`${gained} alerts that nobody heard of before`] : []),
  ];
  return parts.length === 0
    ? `${before} Nothing changes for those who are told.`
    : `${before} The change: ${parts.join(', ')}.`;
}
