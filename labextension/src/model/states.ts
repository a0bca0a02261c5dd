import type { JobState } from '../api/types';

const FINAL: JobState[] = [
  'succeeded',
  'failed',
  'stopped',
  'timed_out',
  'lost'
];

/** Whether a job has ended, one way or another. */
export function isFinal(state: JobState): boolean {
  return FINAL.includes(state);
}

/** Whether a Stop would still be heard as something new. */
export function canStop(state: JobState): boolean {
  return !isFinal(state) && state !== 'stopping';
}
