import type { TranslationBundle } from '@jupyterlab/translation';

import type { IEndpointLoad } from '../api/types';
import { duration, figure } from '../format';

/** One line of an endpoint's figures. */
export interface IFigure {
  title: string;
  text: string;
}

function percent(share: number): string {
  return `${figure(100 * share)} %`;
}

/** An endpoint's figures for people; what was not measured is left out. */
export function figures(
  load: IEndpointLoad,
  trans: TranslationBundle
): IFigure[] {
  const lines: [string, string][] = [
    [trans.__('Traffic'), traffic(load, trans)],
    [trans.__('Latency'), latency(load)],
    [
      trans.__('Now'),
      trans.__('%1 in flight, %2 waiting', load.in_flight, load.waiting)
    ],
    [trans.__('Cold starts'), coldStarts(load, trans)],
    [trans.__('Cost so far'), cost(load, trans)]
  ];
  return lines
    .filter(([, text]) => text)
    .map(([title, text]) => ({ title, text }));
}

function traffic(load: IEndpointLoad, trans: TranslationBundle): string {
  const parts = [trans.__('%1 requests/s', figure(load.rate))];
  const rates = Object.entries(load.rates);
  if (rates.length > 1) {
    parts.push(
      rates.map(([number, rate]) => `v${number} ${figure(rate)}`).join(', ')
    );
  }
  if (load.error_rate > 0) {
    parts.push(trans.__('%1 errors', percent(load.error_rate)));
  }
  if (load.refused_rate > 0) {
    parts.push(trans.__('%1 refused', percent(load.refused_rate)));
  }
  return parts.join(' · ');
}

function latency(load: IEndpointLoad): string {
  return (['p50', 'p95', 'p99'] as const)
    .flatMap(name => {
      const value = load[name];
      return value === null ? [] : [`${name} ${figure(value)} ms`];
    })
    .join(' · ');
}

function coldStarts(load: IEndpointLoad, trans: TranslationBundle): string {
  const { count, median, phases } = load.cold_starts;
  if (count === 0 || median === null) {
    return '';
  }
  const parts = Object.entries(phases).map(
    ([name, value]) => `${name} ${Math.round(value)}`
  );
  const whole = trans.__('%1, median %2 ms', count, Math.round(median));
  return parts.length > 0 ? `${whole} (${parts.join(', ')})` : whole;
}

function cost(load: IEndpointLoad, trans: TranslationBundle): string {
  const ran = trans.__('%1 of replicas', duration(load.replica_seconds));
  return load.cost > 0 ? `${load.cost.toFixed(2)} (${ran})` : ran;
}
