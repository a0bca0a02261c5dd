import { nullTranslator } from '@jupyterlab/translation';
import { render, screen } from '@testing-library/react';
import * as React from 'react';

import { BatchProgress, progressText, withoutProgress } from '../batch';

const trans = nullTranslator.load('jupyter_slml');
const metrics = {
  rows: 420000,
  rows_total: 1000000,
  rows_per_second: 105000,
  eta_seconds: 5.5,
  errors: 2,
  parts: 4,
  parts_total: 10
};

describe('BatchProgress', () => {
  it('says rows, rate, time left, errors and parts', () => {
    expect(progressText(metrics, false, trans)).toBe(
      '420,000 of 1,000,000 rows · 105,000 rows/s · 5.5 s left · 2 errors · 4 of 10 parts'
    );
  });

  it('counts nothing down when it has ended', () => {
    expect(progressText(metrics, true, trans)).not.toContain('left');
  });

  it('draws no bar where the number of rows is unknown, and nothing before the first word', () => {
    const { rows_total, ...unknown } = metrics;
    expect(rows_total).toBe(1000000);
    render(<BatchProgress metrics={unknown} ended={false} trans={trans} />);
    expect(screen.queryByRole('progressbar')).toBeNull();
    expect(screen.getByText(/420,000 rows · /)).toBeTruthy();
    expect(progressText({}, false, trans)).toBe('');
  });

  it("leaves the cell's own metrics", () => {
    expect(withoutProgress({ ...metrics, auc: 0.8 })).toEqual({ auc: 0.8 });
  });
});
