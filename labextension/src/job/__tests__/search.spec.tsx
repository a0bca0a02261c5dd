import { nullTranslator } from '@jupyterlab/translation';
import { render, screen } from '@testing-library/react';
import * as React from 'react';

import type { ISearch, IShownTrial } from '../../api/types';
import { bestSoFar, Search } from '../search';

const trans = nullTranslator.load('jupyter_slml');

function trial(number: number, x: number, loss: number): IShownTrial {
  return {
    number,
    params: { x, kind: number % 2 ? 'a' : 'b' },
    values: { loss },
    started_at: 0,
    seconds: 1,
    last: null,
    message: ''
  };
}

const search: ISearch = {
  objectives: [{ metric: 'loss', direction: 'minimize' }],
  counts: { complete: 3, failed: 1, running: 1 },
  most: 10,
  parallel: 2,
  hoisted: 3,
  hoist_note: '',
  ended: '',
  importances: { x: 0.8, kind: 0.2 },
  best: trial(1, 0.5, 0.2),
  front: [1],
  history: [
    [0, 0.9],
    [1, 0.2],
    [2, 0.4]
  ],
  trials: [trial(0, 0.1, 0.9), trial(1, 0.5, 0.2), trial(2, 0.7, 0.4)],
  running: [{ ...trial(4, 0.3, 0), last: [7, 0.35] }],
  failed: [{ ...trial(3, 0.2, 0), message: 'ValueError: no' }]
};

describe('Search', () => {
  it('says how far it is, what is best, what runs and what failed', () => {
    render(<Search search={search} trans={trans} />);
    for (const text of [
      '4 of 10, 1 failed',
      'loss=0.2 (trial 1: x=0.5, kind=a)',
      'x=0.3, kind=b · 0.35 at step 7',
      'ValueError: no',
      'x 0.8, kind 0.2'
    ]) {
      expect(screen.getByText(text)).toBeTruthy();
    }
  });

  it('draws what was tried, the best one marked', () => {
    const { container } = render(<Search search={search} trans={trans} />);
    expect(screen.getByLabelText('3 trials over x, kind')).toBeTruthy();
    const lines = container.querySelectorAll('.jp-SlmlSearch polyline');
    expect(lines).toHaveLength(3);
    expect(container.querySelectorAll('.jp-mod-best')).toHaveLength(1);
  });

  it('knows the best so far', () => {
    expect(bestSoFar(search).map(([, value]) => value)).toEqual([
      0.9, 0.2, 0.2
    ]);
  });
});
