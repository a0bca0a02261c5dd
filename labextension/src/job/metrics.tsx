import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ICurves } from '../api/types';
import { figure } from '../format';
import { Sparkline } from './sparkline';

/** So many metrics are shown; a job may log hundreds. */
const MOST = 12;

/** The last value of each metric, and how it came to be. */
export function Metrics(props: {
  metrics: Record<string, number>;
  curves: ICurves;
  trans: TranslationBundle;
}): React.ReactElement | null {
  const { curves, trans } = props;
  const metrics = Object.entries(props.metrics);
  if (metrics.length === 0) {
    return null;
  }
  const more = metrics.length - MOST;
  return (
    <dl className="jp-SlmlMetrics">
      {metrics.slice(0, MOST).map(([name, value]) => (
        <div key={name}>
          <dt title={name}>{name}</dt>
          <dd>
            {figure(value)}
            {(curves[name]?.length ?? 0) > 1 && (
              <Sparkline name={name} curve={curves[name]} trans={trans} />
            )}
          </dd>
        </div>
      ))}
      {more > 0 && (
        <div>
          <dt>{trans._n('and %1 more', 'and %1 more', more)}</dt>
        </div>
      )}
    </dl>
  );
}
