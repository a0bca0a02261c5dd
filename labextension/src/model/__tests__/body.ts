/** A body that gives the texts and then ends; jsdom has no streams of its own. */
export function body(...texts: string[]): ReadableStream<Uint8Array> {
  const chunks = texts.map(text => new TextEncoder().encode(text));
  return {
    getReader: () => ({
      read: async () => {
        const value = chunks.shift();
        return { done: value === undefined, value };
      },
      cancel: async () => undefined
    })
  } as unknown as ReadableStream<Uint8Array>;
}
