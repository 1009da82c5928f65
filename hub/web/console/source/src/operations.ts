// The operations that stand ready, each in a tab of its own: all files of ../operations, in the order of their names.

const FILES = import.meta.glob<string>("../operations/*.graphql", { query: "?raw", import: "default", eager: true });

export const READY: { query: string }[] = Object.keys(FILES)
  .sort()
  .map((name) => ({ query: FILES[name]! }));
