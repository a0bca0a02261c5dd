import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { EndpointState, JobState } from './api/types';

export type AnyState = JobState | EndpointState;

/** A state in words. */
export function stateLabel(state: AnyState, trans: TranslationBundle): string {
  switch (state) {
    case 'queued':
      return trans.__('Queued');
    case 'starting':
      return trans.__('Starting');
    case 'running':
      return trans.__('Running');
    case 'stopping':
      return trans.__('Stopping');
    case 'succeeded':
      return trans.__('Succeeded');
    case 'failed':
      return trans.__('Failed');
    case 'stopped':
      return trans.__('Stopped');
    case 'timed_out':
      return trans.__('Timed out');
    case 'lost':
      return trans.__('Lost');
    case 'ready':
      return trans.__('Ready');
    case 'degraded':
      return trans.__('Degraded');
    case 'sleeping':
      return trans.__('Sleeping');
  }
}

type Look = 'waiting' | 'busy' | 'idle' | 'good' | 'bad' | 'warn' | 'ended';

const LOOKS: Record<AnyState, Look> = {
  queued: 'waiting',
  starting: 'busy',
  running: 'busy',
  stopping: 'busy',
  succeeded: 'good',
  ready: 'good',
  failed: 'bad',
  lost: 'bad',
  timed_out: 'warn',
  degraded: 'warn',
  sleeping: 'idle',
  stopped: 'ended'
};

/** Each state has a shape of its own: colour alone would not tell them apart. */
const SHAPES: Record<Look, React.ReactElement> = {
  waiting: (
    <circle
      cx="8"
      cy="8"
      r="5.5"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeDasharray="2.5 2.26"
    />
  ),
  busy: (
    <>
      <circle
        cx="8"
        cy="8"
        r="5.5"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
        opacity="0.25"
      />
      <path
        d="M8 2.5A5.5 5.5 0 0 1 13.5 8"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
        strokeLinecap="round"
      />
    </>
  ),
  good: (
    <>
      <circle cx="8" cy="8" r="6.25" fill="currentColor" />
      <path
        d="M5.2 8.2l2 2 3.7-4.1"
        fill="none"
        className="jp-SlmlState-mark"
        strokeWidth="1.5"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </>
  ),
  bad: (
    <>
      <circle cx="8" cy="8" r="6.25" fill="currentColor" />
      <path
        d="M5.9 5.9l4.2 4.2m0-4.2l-4.2 4.2"
        fill="none"
        className="jp-SlmlState-mark"
        strokeWidth="1.5"
        strokeLinecap="round"
      />
    </>
  ),
  warn: (
    <>
      <path
        d="M8 1.8l6.6 11.9H1.4z"
        fill="currentColor"
        strokeLinejoin="round"
      />
      <path
        d="M8 6.2v3.4m0 1.9v.2"
        fill="none"
        className="jp-SlmlState-mark"
        strokeWidth="1.5"
        strokeLinecap="round"
      />
    </>
  ),
  idle: (
    <path
      d="M6.3 2.2a6 6 0 1 0 7.5 7.5 5 5 0 0 1-7.5-7.5z"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinejoin="round"
    />
  ),
  ended: (
    <>
      <circle
        cx="8"
        cy="8"
        r="5.5"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
      />
      <rect x="6" y="6" width="4" height="4" fill="currentColor" />
    </>
  )
};

export function StateIcon(props: {
  state: AnyState;
  label: string;
}): React.ReactElement {
  const look = LOOKS[props.state] ?? 'waiting';
  return (
    <svg
      className={`jp-SlmlState jp-mod-${look}`}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      role="img"
      aria-label={props.label}
    >
      <title>{props.label}</title>
      {SHAPES[look]}
    </svg>
  );
}
