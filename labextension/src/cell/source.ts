/** Cell magics of ours: a cell that starts with one says itself how it wants to run. */
const OURS = ['train'];

/** What the button sends to the kernel for a cell, or why it cannot. */
export type Plan =
  | {
      kind: 'run';
      code: string;
      /** The magic line is the button's and no line of the cell: the kernel must not count it. */
      bare: boolean;
    }
  | { kind: 'refused'; magic: string }
  | { kind: 'empty' };

/**
 * The code that runs `source` as a job.
 *
 * The cell's own text stays as it is, line for line, so that errors name the lines the user sees.
 */
export function plan(source: string): Plan {
  if (!source.trim()) {
    return { kind: 'empty' };
  }
  const magic = /^\s*%%(\w+)/.exec(source)?.[1];
  if (magic === undefined) {
    return { kind: 'run', code: `%%train --no-wait\n${source}`, bare: true };
  }
  return OURS.includes(magic)
    ? { kind: 'run', code: source, bare: false }
    : { kind: 'refused', magic };
}
