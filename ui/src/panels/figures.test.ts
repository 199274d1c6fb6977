import { describe, expect, it } from 'vitest';
import { figuresOf, orNothing } from './figures';
import type { Frame } from './frame';
import { configure } from './overrides';

const LOOKS = { scheme: 'dark', clock: { nowMs: 0, utc: true } } as const;

const FRAME: Frame = {
  fields: [
    { name: 'Time', type: 'time', values: [0, 60_000] },
    { name: 'Value', type: 'number', values: [1, 50], asked: 'load' },
    { name: 'version', type: 'string', values: ['1.2', '1.3'] },
  ],
};

describe('figures', () => {
  it.each([
    ['', ['50']],
    ['load', ['50']],
    ['version', ['1.3']],
    ['/^v/', ['1.3']],
    // A pattern may mean the time, as of what came last.
    ['/^Time$/', ['1970-01-01 00:01:00']],
    ['/.*/', ['1970-01-01 00:01:00', '50', '1.3']],
    ['/(/', []],
  ])('of the fields %j', (fields, expected) =>
    expect(
      figuresOf(configure([FRAME], {}), { reduceOptions: { fields } }, LOOKS).map(({ shown }) => shown.text),
    ).toEqual(expected),
  );
});

describe('where nothing was answered', () => {
  const said = (defaults: object, frames: readonly Frame[] = []): string[] =>
    figuresOf(orNothing(configure(frames, {}), { defaults }, LOOKS), {}, LOOKS).map(
      ({ shown }) => shown.text,
    );
  const none = { type: 'special', options: { match: 'null', result: { text: 'none', color: 'green' } } };
  it('stands what the configuration has for it', () => {
    expect(said({ noValue: '0' })).toEqual(['0']);
    expect(said({ mappings: [none] })).toEqual(['none']);
    expect(said({ noValue: '0' }, [{ fields: [{ name: 'Time', type: 'time', values: [1] }] }])).toEqual([
      '0',
    ]);
  });
  it('stands nothing of which nobody said anything', () => expect(said({})).toEqual([]));
  it('stands nothing beside an answer', () => expect(said({ noValue: '0' }, [FRAME])).toEqual(['50']));
});
