import { expect, test } from 'vitest';
import { textAtIn } from './States';

test.each([
  ['left', 10],
  ['center', 25],
  ['right', 40],
] as const)('a state is named at the %s of what is seen of it', (align, at) =>
  expect(textAtIn(10, 60, 20, align)).toBe(at),
);

test('a state that is too short is not named', () => expect(textAtIn(10, 30, 20, 'center')).toBeNull());
