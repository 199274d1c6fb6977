// Types of the server's answers, generated from its OpenAPI document.
//
//   npm run types                      asks the server at PHAROS_URL (http://127.0.0.1:8080) for its document
//   npm run types -- --from-committed  generates from the document that is committed
//
// Only the shapes are kept of the document: addresses are known to src/api/calls.ts.

import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import openapi, { astToString } from 'openapi-typescript';
import prettier from 'prettier';

const HERE = import.meta.dirname;
export const DOCUMENT = resolve(HERE, '../src/api/openapi.json');
export const TYPES = resolve(HERE, '../src/api/schema.ts');

const HEAD = '// Generated from openapi.json by `npm run types`; not to be changed by hand.\n\n';

/** The part of a server's document that types are made of, as it is committed. */
export function shapesOf(document) {
  const { title, version } = document.info;
  // Every answer is an envelope around its data; one of them is enough.
  const kept = Object.entries(document.components.schemas)
    .filter(([name]) => !name.startsWith('Success_'))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    openapi: document.openapi,
    info: { title, version },
    paths: {},
    components: { schemas: Object.fromEntries(kept) },
  };
}

/** `text` as the other files here are formatted. */
async function formatted(text, path) {
  const options = await prettier.resolveConfig(path);
  return prettier.format(text, { ...options, filepath: path });
}

/** The text of the document's file. */
export function documentText(shapes) {
  return formatted(JSON.stringify(shapes), DOCUMENT);
}

/** The text of the types' file. */
export async function typesText(shapes) {
  const nodes = await openapi(shapes, { alphabetize: true, immutable: true, defaultNonNullable: false });
  return formatted(HEAD + astToString(nodes), TYPES);
}

async function read() {
  if (process.argv.includes('--from-committed')) return JSON.parse(readFileSync(DOCUMENT, 'utf8'));
  const server = process.env.PHAROS_URL ?? 'http://127.0.0.1:8080';
  const answer = await fetch(`${server}/api/openapi.json`);
  return shapesOf(await answer.json());
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const shapes = await read();
  writeFileSync(DOCUMENT, await documentText(shapes));
  writeFileSync(TYPES, await typesText(shapes));
}
