import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { figures, IFigure } from '../endpoint/figures';
import { StateIcon, stateLabel } from '../state';
import type { IEndpointCard } from './payload';

/** What can be done with an endpoint that this workspace serves. */
export interface IEndpointCardActions {
  tryIt: () => void;
  openConsole: () => void;
  remove: () => void;
}

/** An endpoint in a notebook. */
export function EndpointCard(props: {
  card: IEndpointCard;
  actions: IEndpointCardActions | null;
  trans: TranslationBundle;
}): React.ReactElement {
  const { card, actions, trans } = props;
  const label = stateLabel(card.state, trans);
  const lines = [
    ...shares(card, trans),
    ...(card.follows
      ? [{ title: trans.__('Follows'), text: card.follows }]
      : []),
    ...(card.load ? figures(card.load, trans) : [])
  ];
  return (
    <section
      className="jp-SlmlCard"
      aria-label={trans.__('Endpoint %1: %2', card.name, label)}
    >
      <header className="jp-SlmlCard-head">
        <StateIcon state={card.state} label={label} />
        <strong>{card.name}</strong>
        <span className="jp-SlmlCard-state">{label}</span>
        <span className="jp-SlmlCard-aside">
          {[
            `${card.model}@${card.version}`,
            trans._n('%1 replica', '%1 replicas', card.replicas)
          ].join(' · ')}
        </span>
        {actions && (
          <span className="jp-SlmlCard-actions">
            <button onClick={actions.tryIt}>{trans.__('Try it')}</button>
            <button onClick={actions.openConsole}>{trans.__('Console')}</button>
            <button onClick={actions.remove}>{trans.__('Stop')}</button>
          </span>
        )}
      </header>
      {card.reason && <p className="jp-SlmlCard-reason">{card.reason}</p>}
      {lines.length > 0 && (
        <dl className="jp-SlmlCard-facts">
          {lines.map(({ title, text }) => (
            <React.Fragment key={title}>
              <dt>{title}</dt>
              <dd>{text}</dd>
            </React.Fragment>
          ))}
        </dl>
      )}
      <code className="jp-SlmlCard-url">{card.url}</code>
    </section>
  );
}

/** Who answers how much, where several versions do. */
function shares(card: IEndpointCard, trans: TranslationBundle): IFigure[] {
  const found = (card.traffic ?? []).filter(share => share.weight > 0);
  const text = found.map(share => `${share.weight} % ${share.model}`);
  return found.length > 1
    ? [{ title: trans.__('Shares'), text: text.join(', ') }]
    : [];
}
