import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ISearch, IShownTrial } from '../api/types';
import { figure } from '../format';
import { Sparkline } from './sparkline';

const WIDTH = 420;
const HEIGHT = 120;
const TOP = 8;
const FOOT = 28;
/** So many parameters find a place side by side. */
const MOST_AXES = 8;

/** A tuning job's trials: how far it is, what is best, what was tried. */
export function Search(props: {
  search: ISearch;
  trans: TranslationBundle;
}): React.ReactElement {
  const { search, trans } = props;
  const { best, objectives } = search;
  const lines: [string, React.ReactNode][] = [
    [trans.__('Trials'), progress(search, trans)]
  ];
  if (best) {
    lines.push([
      trans.__('Best'),
      `${said(best.values)} (${trans.__('trial %1', best.number)}: ${said(best.params)})`
    ]);
  }
  if (objectives.length === 1 && search.history.length > 1) {
    lines.push([
      trans.__('Best so far'),
      <Sparkline
        name={objectives[0].metric}
        curve={bestSoFar(search)}
        trans={trans}
      />
    ]);
  }
  if (objectives.length > 1 && search.front.length > 0) {
    lines.push([
      trans.__('Pareto front'),
      trans._n('%1 trial', '%1 trials', search.front.length)
    ]);
  }
  for (const trial of search.running.slice(0, 8)) {
    lines.push([trans.__('Trial %1 runs', trial.number), under(trial, trans)]);
  }
  for (const trial of search.failed) {
    lines.push([trans.__('Trial %1 failed', trial.number), trial.message]);
  }
  const important = Object.entries(search.importances)
    .sort((one, other) => other[1] - one[1])
    .slice(0, MOST_AXES);
  if (important.length > 1) {
    lines.push([
      trans.__('Importance'),
      important.map(([name, part]) => `${name} ${figure(part)}`).join(', ')
    ]);
  }
  if (search.ended) {
    lines.push([trans.__('Ended'), search.ended]);
  }
  return (
    <>
      <dl className="jp-SlmlCard-facts">
        {lines.map(([name, value]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </React.Fragment>
        ))}
      </dl>
      <Parallel search={search} trans={trans} />
    </>
  );
}

/** A line per trial through its parameters and its value; the better, the stronger. */
function Parallel(props: {
  search: ISearch;
  trans: TranslationBundle;
}): React.ReactElement | null {
  const { search, trans } = props;
  const { trials, best, objectives } = search;
  const names = [
    ...new Set(trials.flatMap(trial => Object.keys(trial.params)))
  ].slice(0, MOST_AXES);
  if (trials.length < 2 || names.length === 0) {
    return null;
  }
  const goal = objectives[0];
  const sign = goal.direction === 'maximize' ? 1 : -1;
  const axes = [
    ...names.map(name => ({
      name,
      place: axis(trials.map(trial => trial.params[name] ?? null)),
      of: (trial: IShownTrial) => (trial.params[name] ?? null) as unknown
    })),
    {
      name: goal.metric,
      place: axis(trials.map(trial => trial.values[goal.metric])),
      of: (trial: IShownTrial) => trial.values[goal.metric] as unknown
    }
  ];
  const x = (index: number) =>
    24 + (index * (WIDTH - 48)) / Math.max(1, axes.length - 1);
  const y = (place: number) => HEIGHT - FOOT - place * (HEIGHT - FOOT - TOP);
  const ranked = [...trials].sort(
    (one, other) => sign * (one.values[goal.metric] - other.values[goal.metric])
  );
  return (
    <svg
      className="jp-SlmlSearch"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={trans.__(
        '%1 trials over %2',
        trials.length,
        names.join(', ')
      )}
    >
      {axes.map(({ name }, index) => (
        <React.Fragment key={name}>
          <line x1={x(index)} y1={TOP} x2={x(index)} y2={HEIGHT - FOOT} />
          <text
            x={x(index)}
            y={HEIGHT - FOOT + 11 + 11 * (index % 2)}
            textAnchor={
              index === 0
                ? 'start'
                : index === axes.length - 1
                  ? 'end'
                  : 'middle'
            }
          >
            {name}
          </text>
        </React.Fragment>
      ))}
      {ranked.map((trial, rank) => (
        <polyline
          key={trial.number}
          className={trial.number === best?.number ? 'jp-mod-best' : undefined}
          strokeOpacity={
            trial.number === best?.number
              ? 1
              : 0.08 + 0.6 * (rank / ranked.length) ** 2
          }
          points={axes
            .map(({ place, of }, index) => ({
              index,
              where: place(of(trial))
            }))
            .filter(({ where }) => where !== null)
            .map(({ index, where }) =>
              [x(index).toFixed(1), y(where ?? 0).toFixed(1)].join(',')
            )
            .join(' ')}
        />
      ))}
    </svg>
  );
}

/** From a value to its place between 0 and 1; null where there is none. */
function axis(values: unknown[]): (value: unknown) => number | null {
  const present = values.filter(value => value !== null);
  if (present.length > 0 && present.every(value => typeof value === 'number')) {
    const numbers = present as number[];
    const low = Math.min(...numbers);
    const high = Math.max(...numbers);
    const wide = low > 0 && high / low > 50;
    return value => {
      if (typeof value !== 'number') {
        return null;
      }
      if (high <= low) {
        return 0.5;
      }
      return wide
        ? Math.log(value / low) / Math.log(high / low)
        : (value - low) / (high - low);
    };
  }
  const kinds = [...new Set(present.map(String))].sort();
  return value =>
    value === null ? null : (kinds.indexOf(String(value)) + 0.5) / kinds.length;
}

function progress(search: ISearch, trans: TranslationBundle): string {
  const { counts, most } = search;
  const done = Object.entries(counts)
    .filter(([state]) => state !== 'running')
    .reduce((sum, [, count]) => sum + count, 0);
  const odd = ['pruned', 'failed', 'stopped']
    .filter(state => (counts[state] ?? 0) > 0)
    .map(state => `${counts[state]} ${state}`);
  return [trans.__('%1 of %2', done, most), ...odd].join(', ');
}

export function bestSoFar(search: ISearch): [number, number][] {
  const sign = search.objectives[0].direction === 'maximize' ? 1 : -1;
  let best = search.history[0][1];
  return search.history.map(([number, value]) => {
    best = sign * value > sign * best ? value : best;
    return [number, best];
  });
}

function under(trial: IShownTrial, trans: TranslationBundle): string {
  const last = trial.last
    ? trans.__('%1 at step %2', figure(trial.last[1]), trial.last[0])
    : '';
  return [said(trial.params), last].filter(Boolean).join(' · ');
}

function said(values: Record<string, unknown>): string {
  return Object.entries(values)
    .map(
      ([name, value]) =>
        `${name}=${typeof value === 'number' ? figure(value) : String(value)}`
    )
    .join(', ');
}
