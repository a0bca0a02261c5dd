import type { IVersion } from '../api/types';

/** A body that the model can take: one row of zeros, by name where the model has names. */
export function sampleBody(version: IVersion): string {
  const signature = version.signature ?? {};
  const columns = signature['columns'];
  const width = signature['features'];
  if (Array.isArray(columns) && columns.length > 0) {
    const row = columns.map(() => 0);
    return JSON.stringify({ columns, data: [row] }, null, 2);
  }
  return JSON.stringify([Array(typeof width === 'number' ? width : 1).fill(0)]);
}
