import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { duration } from '../format';

/** What a batch job tells as metrics while it runs. */
const FIGURES = [
  'rows',
  'rows_total',
  'rows_per_second',
  'eta_seconds',
  'errors',
  'parts',
  'parts_total'
];

/** How far a batch job is: a bar, and the same in words. */
export function BatchProgress(props: {
  metrics: Record<string, number>;
  ended: boolean;
  trans: TranslationBundle;
}): React.ReactElement | null {
  const { metrics, ended, trans } = props;
  const words = progressText(metrics, ended, trans);
  if (words === '') {
    return null;
  }
  const total = metrics.rows_total;
  return (
    <p className="jp-SlmlBatch">
      {total > 0 && (
        <progress
          max={total}
          value={metrics.rows ?? 0}
          aria-label={trans.__('Rows')}
        />
      )}
      <span>{words}</span>
    </p>
  );
}

export function progressText(
  metrics: Record<string, number>,
  ended: boolean,
  trans: TranslationBundle
): string {
  const { rows = 0, rows_total, errors = 0, parts = 0, parts_total } = metrics;
  if (parts_total === undefined) {
    return '';
  }
  const words = [
    rows_total === undefined
      ? trans.__('%1 rows', number(rows))
      : trans.__('%1 of %2 rows', number(rows), number(rows_total))
  ];
  if (metrics.rows_per_second > 0) {
    words.push(trans.__('%1 rows/s', number(metrics.rows_per_second)));
  }
  if (!ended && metrics.eta_seconds > 0) {
    words.push(trans.__('%1 left', duration(metrics.eta_seconds)));
  }
  if (errors > 0) {
    words.push(trans._n('%1 error', '%1 errors', errors));
  }
  words.push(trans.__('%1 of %2 parts', parts, parts_total));
  return words.join(' · ');
}

/** The metrics that the cell itself has logged. */
export function withoutProgress(
  metrics: Record<string, number>
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics).filter(([name]) => !FIGURES.includes(name))
  );
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
