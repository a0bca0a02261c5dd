import { nullTranslator } from '@jupyterlab/translation';
import { render, screen } from '@testing-library/react';
import * as React from 'react';

import { startsIn } from '../expected';
import { Metrics } from '../metrics';
import { Phases } from '../phases';
import { place } from '../sparkline';

const trans = nullTranslator.load('jupyter_slml');

describe('Phases', () => {
  const phases = [
    { name: 'queued', start: 10, end: 10.035 },
    { name: 'running', start: 10.035, end: null }
  ];

  it('says in words what the bar shows, counting what lasts', () => {
    render(<Phases phases={phases} now={15.035} trans={trans} />);
    const items = screen.getAllByRole('listitem');
    expect(items.map(item => item.textContent)).toEqual([
      'Queued 35 ms',
      'Running 5.0 s'
    ]);
  });

  it('counts nothing on in a record of what was', () => {
    render(<Phases phases={phases} now={null} trans={trans} />);
    expect(screen.getAllByRole('listitem')).toHaveLength(1);
  });
});

describe('Metrics', () => {
  it('draws a curve where there is one, and says what it shows', () => {
    const curves: Record<string, [number, number][]> = {
      loss: [
        [0, 0.9],
        [1, 0.2]
      ],
      auc: [[0, 0.5]]
    };
    render(
      <Metrics
        metrics={{ loss: 0.2, auc: 0.5 }}
        curves={curves}
        trans={trans}
      />
    );
    expect(
      screen.getAllByRole('img').map(image => image.getAttribute('aria-label'))
    ).toEqual(['loss from 0.9 to 0.2 (lowest 0.2, highest 0.9)']);
  });

  it('does not show hundreds', () => {
    const metrics = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`m${index}`, index])
    );
    render(<Metrics metrics={metrics} curves={{}} trans={trans} />);
    expect(screen.getAllByRole('term')).toHaveLength(13);
    expect(screen.getByText('and 288 more')).toBeTruthy();
  });
});

describe('a sparkline', () => {
  it('lays a flat curve into the middle and a rising one from corner to corner', () => {
    expect(
      place([
        [0, 7],
        [1, 7]
      ]).map(([, y]) => y)
    ).toEqual([10, 10]);
    expect(
      place([
        [5, 0],
        [10, 1]
      ])
    ).toEqual([
      [2.5, 17.5],
      [93.5, 2.5]
    ]);
  });
});

describe('startsIn', () => {
  it('is silent unless a waiting job has an estimate', () => {
    expect(startsIn('queued', null, 0, trans)).toBe('');
    expect(startsIn('running', 9, 0, trans)).toBe('');
  });

  it('counts whole seconds down', () => {
    expect(startsIn('queued', 9, 0.5, trans)).toBe('expected to start in 9 s');
    expect(startsIn('queued', 130, 0, trans)).toBe(
      'expected to start in 2 min 10 s'
    );
    expect(startsIn('queued', 9, 30, trans)).toBe(
      'expected to start any moment'
    );
  });
});
