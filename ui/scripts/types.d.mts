/** The part of a server's OpenAPI document that types are made of. */
export interface Shapes {
  components: { schemas: Readonly<Record<string, unknown>> };
}
export const DOCUMENT: string;
export const TYPES: string;
export function documentText(shapes: Shapes): Promise<string>;
export function typesText(shapes: Shapes): Promise<string>;
