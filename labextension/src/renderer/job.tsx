import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { Ansi } from '../ansi';
import { useClock } from '../clock';
import { bytes, duration, elapsed } from '../format';
import { startsIn } from '../job/expected';
import { BatchProgress, withoutProgress } from '../job/batch';
import { Metrics } from '../job/metrics';
import { Phases } from '../job/phases';
import { Search } from '../job/search';
import { canStop, isFinal } from '../model/states';
import { StateIcon, stateLabel } from '../state';
import type { IJobCard } from './payload';

export interface ICardActions {
  openLog: () => void;
  stop: () => void;
}

/** A job in a notebook. Without `actions` it is a record of what was; with them the workspace knows the job. */
export function JobCard(props: {
  card: IJobCard;
  actions: ICardActions | null;
  live: boolean;
  trans: TranslationBundle;
}): React.ReactElement {
  const { card, actions, live, trans } = props;
  const label = stateLabel(card.state, trans);
  const final = isFinal(card.state);
  // A saved snapshot of a running job must not count on: nobody knows whether it still runs.
  const now = useClock(live && !final);
  const took =
    final || live ? elapsed(card.started_at, card.ended_at, now) : null;
  const error = card.outcome?.error ?? null;
  const message = card.outcome?.message || card.reason;
  return (
    <section
      className="jp-SlmlCard"
      aria-label={trans.__('Job %1: %2', card.name, label)}
    >
      <header className="jp-SlmlCard-head">
        <StateIcon state={card.state} label={label} />
        <strong>{card.name}</strong>
        <span className="jp-SlmlCard-state">{label}</span>
        <span className="jp-SlmlCard-aside">
          {[
            took === null ? '' : duration(took),
            live ? startsIn(card.state, card.expected_at, now, trans) : '',
            card.instance
          ]
            .filter(Boolean)
            .join(' · ')}
        </span>
        {actions && (
          <span className="jp-SlmlCard-actions">
            {canStop(card.state) && (
              <button
                type="button"
                aria-label={trans.__('Stop job %1', card.name)}
                onClick={actions.stop}
              >
                {trans.__('Stop')}
              </button>
            )}
            <button
              type="button"
              aria-label={trans.__('Open the log of job %1', card.name)}
              onClick={actions.openLog}
            >
              {trans.__('Log')}
            </button>
          </span>
        )}
      </header>
      {card.state !== 'succeeded' && message && !error && (
        <p className="jp-SlmlCard-reason">{message}</p>
      )}
      {card.batch && (
        <BatchProgress
          metrics={card.metrics ?? {}}
          ended={final}
          trans={trans}
        />
      )}
      <Metrics
        metrics={
          card.batch
            ? withoutProgress(card.metrics ?? {})
            : (card.metrics ?? {})
        }
        curves={card.curves ?? {}}
        trans={trans}
      />
      {card.tuning && <Search search={card.tuning} trans={trans} />}
      <Facts card={card} trans={trans} />
      <Phases
        phases={card.phases ?? []}
        now={live && !final ? now : null}
        trans={trans}
      />
      {error && (
        <pre className="jp-SlmlCard-error">
          <Ansi
            text={
              error.traceback.join('\n') || `${error.ename}: ${error.evalue}`
            }
          />
        </pre>
      )}
      {card.log_tail.length > 0 && card.state !== 'succeeded' && (
        <pre
          className="jp-SlmlCard-log"
          aria-label={trans.__('Last lines of the log')}
        >
          <Ansi text={card.log_tail.join('\n')} />
        </pre>
      )}
    </section>
  );
}

/** What went in, what came out, each on one line. */
function Facts(props: {
  card: IJobCard;
  trans: TranslationBundle;
}): React.ReactElement | null {
  const { card, trans } = props;
  const rows: [string, string][] = [];
  if (card.registered) {
    rows.push([trans.__('Registered'), card.registered]);
  }
  if (card.batch) {
    rows.push([trans.__('Written to'), card.batch.output]);
  }
  if (card.outputs.length > 0) {
    rows.push([trans.__('Outputs'), listed(card.outputs)]);
  }
  if (card.captures.length > 0) {
    rows.push([trans.__('Captured'), listed(card.captures)]);
  }
  if (rows.length === 0) {
    return null;
  }
  return (
    <dl className="jp-SlmlCard-facts">
      {rows.map(([name, value]) => (
        <React.Fragment key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </React.Fragment>
      ))}
    </dl>
  );
}

function listed(items: { name: string; type: string; size: number }[]): string {
  return items
    .map(({ name, type, size }) => {
      const kind = type.slice(type.lastIndexOf('.') + 1);
      return size > 0
        ? `${name} (${kind}, ${bytes(size)})`
        : `${name} (${kind})`;
    })
    .join(', ');
}
