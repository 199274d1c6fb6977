type Far = typeof import('./far').FAR;

/** How to load a page, or a part of the frame, by way of the list of those that come later than the frame. */
export function far<Id extends keyof Far>(id: Id): () => ReturnType<Far[Id]> {
  return (async () => (await import('./far')).FAR[id]()) as () => ReturnType<Far[Id]>;
}
