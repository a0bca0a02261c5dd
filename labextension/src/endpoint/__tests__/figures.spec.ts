import { nullTranslator } from '@jupyterlab/translation';

import type { IEndpointLoad } from '../../api/types';
import { figures } from '../figures';

const trans = nullTranslator.load('jupyter_slml');

const LOAD: IEndpointLoad = {
  at: 1,
  window: 60,
  requests: 120,
  rate: 2,
  error_rate: 0,
  refused_rate: 0,
  p50: 1.25,
  p95: 2,
  p99: null,
  in_flight: 1,
  waiting: 3,
  ready: 1,
  standby: 0,
  rates: { '1': 2 },
  cold_starts: { count: 2, median: 24.6, phases: { fork: 8.2, load: 12.4 } },
  replica_seconds: 90,
  cost: 0
};

function text(load: IEndpointLoad): Record<string, string> {
  return Object.fromEntries(
    figures(load, trans).map(line => [line.title, line.text])
  );
}

describe('figures', () => {
  it('says what was measured', () => {
    expect(text(LOAD)).toEqual({
      Traffic: '2 requests/s',
      Latency: 'p50 1.25 ms · p95 2 ms',
      Now: '1 in flight, 3 waiting',
      'Cold starts': '2, median 25 ms (fork 8, load 12)',
      'Cost so far': '1 min 30 s of replicas'
    });
  });

  it('leaves out what was not', () => {
    const asleep: IEndpointLoad = {
      ...LOAD,
      p50: null,
      p95: null,
      cold_starts: { count: 0, median: null, phases: {} }
    };
    expect(Object.keys(text(asleep))).toEqual([
      'Traffic',
      'Now',
      'Cost so far'
    ]);
  });

  it('tells variants, errors and money', () => {
    const busy: IEndpointLoad = {
      ...LOAD,
      error_rate: 0.0125,
      rates: { '7': 1.8, '8': 0.2 },
      cost: 0.5
    };
    expect(text(busy)['Traffic']).toBe(
      '2 requests/s · v7 1.8, v8 0.2 · 1.25 % errors'
    );
    expect(text(busy)['Cost so far']).toBe('0.50 (1 min 30 s of replicas)');
  });
});
