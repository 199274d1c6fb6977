import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DOCUMENT, documentText, TYPES, typesText, type Shapes } from '../../scripts/types.mjs';

it('the types are those of the committed document: npm run types -- --from-committed', async () => {
  const shapes = JSON.parse(readFileSync(DOCUMENT, 'utf8')) as Shapes;
  expect(readFileSync(DOCUMENT, 'utf8')).toBe(await documentText(shapes));
  expect(readFileSync(TYPES, 'utf8')).toBe(await typesText(shapes));
  // The generator compiles TypeScript, which takes its time where others work too.
}, 60_000);
