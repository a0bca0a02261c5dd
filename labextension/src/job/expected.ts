import type { TranslationBundle } from '@jupyterlab/translation';

import type { JobState } from '../api/types';
import { duration } from '../format';

/** When a waiting job may start, in words; empty when it does not wait, or nobody can tell. */
export function startsIn(
  state: JobState,
  expected: number | null | undefined,
  now: number,
  trans: TranslationBundle
): string {
  if (state !== 'queued' || expected === null || expected === undefined) {
    return '';
  }
  // An estimate in whole seconds: tenths would claim to know more.
  const left = Math.ceil(expected - now);
  if (left < 1) {
    return trans.__('expected to start any moment');
  }
  return trans.__(
    'expected to start in %1',
    left < 10 ? `${left} s` : duration(left)
  );
}
