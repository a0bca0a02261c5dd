import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { figure } from '../format';

const WIDTH = 96;
const HEIGHT = 20;
/** Room for the stroke and the last point's dot. */
const EDGE = 2.5;

/** One metric's curve, as small as a word. Says in words what it shows. */
export function Sparkline(props: {
  name: string;
  curve: [number, number][];
  trans: TranslationBundle;
}): React.ReactElement {
  const { name, curve, trans } = props;
  const values = curve.map(([, value]) => value);
  const label = trans.__(
    '%1 from %2 to %3 (lowest %4, highest %5)',
    name,
    figure(values[0]),
    figure(values[values.length - 1]),
    figure(Math.min(...values)),
    figure(Math.max(...values))
  );
  const places = place(curve);
  const [x, y] = places[places.length - 1];
  return (
    <svg
      className="jp-SlmlSparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={label}
    >
      <title>{label}</title>
      <polyline points={places.map(pair => pair.join(',')).join(' ')} />
      <circle cx={x} cy={y} r="1.8" />
    </svg>
  );
}

/** Where each point is drawn. A flat curve lies in the middle. */
export function place(curve: [number, number][]): [number, number][] {
  const across = scale(
    curve.map(([step]) => step),
    EDGE,
    WIDTH - EDGE
  );
  const up = scale(
    curve.map(([, value]) => value),
    HEIGHT - EDGE,
    EDGE
  );
  return curve.map(([step, value]) => [across(step), up(value)]);
}

function scale(values: number[], from: number, to: number) {
  const low = Math.min(...values);
  const span = Math.max(...values) - low;
  return (value: number): number => {
    const part = span > 0 ? (value - low) / span : 0.5;
    return Number((from + part * (to - from)).toFixed(1));
  };
}
