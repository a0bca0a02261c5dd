import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { StateIcon, stateLabel } from '../state';
import type { IEndpointCard } from './payload';

/** An endpoint in a notebook. */
export function EndpointCard(props: {
  card: IEndpointCard;
  trans: TranslationBundle;
}): React.ReactElement {
  const { card, trans } = props;
  const label = stateLabel(card.state, trans);
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
      </header>
      {card.reason && <p className="jp-SlmlCard-reason">{card.reason}</p>}
      <code className="jp-SlmlCard-url">{card.url}</code>
    </section>
  );
}
