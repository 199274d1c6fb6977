import { describe, expect, it } from 'vitest';
import { areasOf, faultsOf, FIGURES, statusOf, type Beside, type FigureName, type Figures } from './server';

const FINE: Beside = { dead: 0, failing: [], kernels: { compiled: 9, total: 9 }, reloaded: true };

function figures(more: Partial<Record<FigureName, number | null>> = {}): Figures {
  const names = Object.keys(FIGURES) as FigureName[];
  const calm = Object.fromEntries(names.map((name) => [name, 0])) as Record<FigureName, number>;
  return { ...calm, diskFree: 100 * 2 ** 30, uptime: 60, ...more };
}

describe('how Pharos fares', () => {
  it('nothing is wrong where nothing is', () => {
    expect(faultsOf(figures(), FINE)).toEqual([]);
    expect(statusOf([], true)).toBe('ok');
  });
  it('what is not known is not called well', () => expect(statusOf([], false)).toBe('unknown'));
  it('the worst is said first, each with what to do', () => {
    const faults = faultsOf(figures({ rejectedSamples: 5, setAsideParts: 1 }), { ...FINE, dead: 2 });
    expect(faults.map(({ status }) => status)).toEqual(['critical', 'critical', 'warning']);
    expect(faults.every(({ hint }) => hint !== '')).toBe(true);
    expect(statusOf(faults, true)).toBe('critical');
  });
  it('a disk that will be full soon is said before it is', () => {
    const [fault] = faultsOf(
      figures({ diskFree: 10 * 2 ** 30, diskTrend: -(2 ** 30) / 3600, diskAge: 7200 }),
      FINE,
    );
    expect(fault).toMatchObject({
      status: 'critical',
      text: '10 GiB are free where the data lie, none in 10h',
    });
  });
  it.each([
    [{ kernels: { compiled: 1, total: 9 } }, '1 of 9 pieces of code'],
    [{ failing: ['team (slack[0])'] }, 'team (slack[0])'],
    [{ reloaded: false }, 'could not be read again'],
  ])('%o', (beside, text) => expect(faultsOf(figures(), { ...FINE, ...beside })[0]?.text).toContain(text));
  it('each figure has a name of its own in its area', () => {
    for (const { lines } of areasOf(figures(), FINE))
      expect(new Set(lines.map(({ name }) => name)).size).toBe(lines.length);
  });
});
