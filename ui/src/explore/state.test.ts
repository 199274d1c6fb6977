import { describe, expect, it } from 'vitest';
import { withRemembered } from './history';
import { toCsv } from './csv';
import { emptyPanel, fromGraphParams, readPanels, writePanels, type QueryPanel } from './state';

function throughUrl(panels: readonly QueryPanel[]): readonly QueryPanel[] {
  const text = new URLSearchParams(writePanels(panels) as Record<string, string>).toString();
  return readPanels(Object.fromEntries(new URLSearchParams(text)));
}

describe('the address bar', () => {
  it('is empty for a fresh page', () => expect(writePanels(readPanels({}))).toEqual({}));
  it('gives back what was written', () => {
    const panels: QueryPanel[] = [
      {
        expr: 'sum by (job) (rate(x{a="b&c=d",e=~"f+|#"}[5m]))',
        view: 'graph',
        stacked: true,
        step: '30s',
        unit: 'bytes',
        past: '1d',
        expected: true,
        builder: true,
      },
      {
        expr: 'up % 2\n# comment “ü”',
        view: 'table',
        stacked: false,
        step: null,
        unit: null,
        past: null,
        expected: false,
        builder: false,
      },
      emptyPanel(),
    ];
    expect(throughUrl(panels)).toEqual(panels);
  });
  it('turns nonsense into defaults', () =>
    expect(readPanels({ q0: 'up', v0: 'hologram', step0: '0s', unit0: 'parsec' })).toEqual(
      readPanels({ q0: 'up' }),
    ));
  it('ends at the first gap in the numbering', () =>
    expect(readPanels({ q0: 'a', q2: 'c' }).map((panel) => panel.expr)).toEqual(['a']));
  it('takes the links that alerts carry', () =>
    expect(fromGraphParams({ 'g0.expr': 'up == 0', 'g0.tab': '1', 'g0.range_input': '2h' })).toEqual({
      q0: 'up == 0',
      v0: 'table',
      from: 'now-2h',
      to: 'now',
    }));
});

describe('ranges on the way to Explore', () => {
  it('keep the fixed end that Prometheus wrote, in UTC', () =>
    expect(
      fromGraphParams({ 'g0.expr': 'up', 'g0.range_input': '6h', 'g0.end_input': '2026-11-21 16:00:00' }),
    ).toEqual({ q0: 'up', from: '2026-11-21T10:00:00Z', to: '2026-11-21T16:00:00Z' }));
  it('are an hour long when only the end is given', () =>
    expect(fromGraphParams({ 'g0.expr': 'up', 'g0.end_input': '2026-11-21 16:00:00' })).toEqual({
      q0: 'up',
      from: '2026-11-21T15:00:00Z',
      to: '2026-11-21T16:00:00Z',
    }));
  it('end now when the end is nonsense', () =>
    expect(fromGraphParams({ 'g0.expr': 'up', 'g0.range_input': '6h', 'g0.end_input': 'x' })).toEqual({
      q0: 'up',
      from: 'now-6h',
      to: 'now',
    }));
});

describe('CSV', () => {
  it('quotes what needs it', () =>
    expect(
      toCsv(
        ['a,b', 'c'],
        [
          ['say "hi"', 1.5],
          [null, 'x\ny'],
        ],
      ),
    ).toBe('"a,b",c\r\n"say ""hi""",1.5\r\n,"x\ny"\r\n'));
  it('lets no label become a formula, but keeps negative numbers', () =>
    expect(toCsv(['=cmd()'], [[-1]])).toBe("'=cmd()\r\n-1\r\n"));
});

describe('history', () => {
  it('keeps each query once, newest first', () =>
    expect(withRemembered(['a', 'b'], ' b ')).toEqual(['b', 'a']));
  it('keeps no empty query', () => expect(withRemembered(['a'], '  ')).toEqual(['a']));
  it('does not grow for ever', () =>
    expect(
      withRemembered(
        Array.from({ length: 50 }, (_, i) => `q${i}`),
        'new',
      ),
    ).toHaveLength(50));
});
