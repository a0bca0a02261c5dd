import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IPhase } from '../api/types';
import { brief } from '../format';

/** Where a job's time went, as a thin bar with its legend. `now` is null for a job that is not followed. */
export function Phases(props: {
  phases: IPhase[];
  now: number | null;
  trans: TranslationBundle;
}): React.ReactElement | null {
  const { now, trans } = props;
  const parts = props.phases.flatMap(({ name, start, end }) => {
    const until = end ?? now;
    return until === null
      ? []
      : [{ name, seconds: Math.max(0, until - start), lasts: end === null }];
  });
  if (parts.length === 0) {
    return null;
  }
  const whole = parts.reduce((sum, { seconds }) => sum + seconds, 0) || 1;
  return (
    <div className="jp-SlmlPhases">
      <div className="jp-SlmlPhases-bar" aria-hidden="true">
        {parts.map(({ name, seconds, lasts }) => (
          <span
            key={name}
            className={`jp-mod-${name}${lasts ? ' jp-mod-lasts' : ''}`}
            // Shares that add up to less than one would leave the bar's end empty.
            style={{ flexGrow: (100 * seconds) / whole }}
          />
        ))}
      </div>
      <ul
        className="jp-SlmlPhases-legend"
        aria-label={trans.__('Where the time went')}
      >
        {parts.map(({ name, seconds }) => (
          <li key={name} className={`jp-mod-${name}`}>
            {phaseLabel(name, trans)} <span>{brief(seconds)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function phaseLabel(name: string, trans: TranslationBundle): string {
  switch (name) {
    case 'queued':
      return trans.__('Queued');
    case 'earlier':
      return trans.__('Earlier attempts');
    case 'starting':
      return trans.__('Starting');
    case 'preparing':
      return trans.__('Preparing');
    case 'running':
      return trans.__('Running');
    case 'storing':
      return trans.__('Storing');
    default:
      return name;
  }
}
