import { describe, expect, it } from 'vitest';
import type { Integration, Letter } from '../api/receivers';
import { countUndelivered, readLabels, rowsOf, sortLetters, statusOf, wordOf } from './receivers';
import { configOf, exampleOf, isWhole, STARTERS, tellsNobody, type Starter } from './starters';

const SLACK: Integration = {
  name: 'slack[0]',
  kind: 'slack',
  send_resolved: true,
  state: 'ok',
  told_at: null,
  tried_at: null,
  error: '',
  owed: 0,
  dead: 0,
};

describe('receivers', () => {
  const all = [
    { name: 'nobody', integrations: [] },
    { name: 'team', integrations: [SLACK, { ...SLACK, name: 'webhook[0]', state: 'dead' as const }] },
  ];
  it('have the integrations in trouble first, and those that tell nobody last', () =>
    expect(rowsOf(all, '').map(({ key }) => key)).toEqual(['team webhook[0]', 'team slack[0]', 'nobody']));
  it('are found by words', () => expect(rowsOf(all, 'TEAM slack')).toHaveLength(1));
  it('count what none of them took', () => {
    const dead = (count: number): Integration => ({ ...SLACK, state: 'dead', dead: count });
    const found = [...all, { name: 'other', integrations: [dead(2), dead(1)] }];
    expect([countUndelivered(all), countUndelivered(found), countUndelivered([])]).toEqual([0, 3, 0]);
  });
  it('that hold messages back as they were told to are not in trouble', () => {
    const holding: Integration = { ...SLACK, state: 'holding', owed: 1 };
    expect([statusOf(holding), wordOf(holding)]).toEqual(['muted', 'holds back']);
  });
  it('that tell nobody are not in trouble', () => expect(statusOf(null)).toBe('muted'));
});

describe('letters', () => {
  const letter = (id: string, state: Letter['state'], at: string): Letter =>
    ({ id, state, created_at: at, due_at: at }) as unknown as Letter;
  it('that are dead come first, the newest of them on top', () => {
    const all = [
      letter('a', 'owed', '2026-01-02T00:00:00Z'),
      letter('b', 'owed', '2026-01-01T00:00:00Z'),
      letter('c', 'dead', '2026-01-01T00:00:00Z'),
      letter('d', 'dead', '2026-01-02T00:00:00Z'),
    ];
    expect(sortLetters(all).map(({ id }) => id)).toEqual(['d', 'c', 'b', 'a']);
  });
});

describe('labels that are typed', () => {
  it.each([
    ['', {}, null],
    ['a="1", b=2', { a: '1', b: '2' }, null],
    ['{alertname="A, B",x="\\"q\\""}', { alertname: 'A, B', x: '"q"' }, null],
    ['a=1\nb=two words\n', { a: '1', b: 'two words' }, null],
    ['a=1, what', { a: '1' }, 'what'],
    ['a=~"x"', {}, 'a=~"x"'],
  ])('%j', (text, labels, fault) => expect(readLabels(text)).toEqual({ labels, fault }));
});

describe('configurations to begin with', () => {
  it('are offered where nobody is told, and tell somebody', () => {
    expect(tellsNobody('route: {receiver: a}\nreceivers:\n- name: a\n# slack_configs: here\n')).toBe(true);
    expect(STARTERS.filter((one) => tellsNobody(exampleOf(one)))).toEqual([]);
  });

  it('take what is typed as text, whatever it holds, and leave out what is not', () => {
    const [slack, mail] = STARTERS as readonly [Starter, Starter];
    expect(configOf(slack, 'ops: "on call"', { api_url: ' https://a.example/#b ', channel: '#x' })).toBe(
      [
        'route:',
        '  receiver: "ops: \\"on call\\""',
        '  group_by: [alertname]',
        'receivers:',
        '- name: "ops: \\"on call\\""',
        '  slack_configs:',
        '  - api_url: "https://a.example/#b"',
        '    channel: "#x"',
        '    send_resolved: true',
        '',
      ].join('\n'),
    );
    const needed = { to: 'a@b.c', from: 'd@e.f', smarthost: 'mail:25' };
    expect(configOf(mail, 'mail', needed)).not.toContain('auth_');
    expect([isWhole(mail, needed), isWhole(mail, { ...needed, from: ' ' })]).toEqual([true, false]);
  });
});
