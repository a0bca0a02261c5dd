import type { TranslationBundle } from '@jupyterlab/translation';
import {
  closeIcon,
  copyIcon,
  runIcon,
  terminalIcon
} from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IEndpoint } from '../api/types';
import type { WorkspaceModel } from '../model/workspace';
import { StateIcon, stateLabel } from '../state';
import { Row, RowAction } from './row';

export interface IEndpointActions {
  copyUrl: (endpoint: IEndpoint) => void;
  remove: (name: string) => void;
  tryIt: (name: string) => void;
  openConsole: (name: string) => void;
}

/** What is being served. */
export function Endpoints(props: {
  model: WorkspaceModel;
  actions: IEndpointActions;
  trans: TranslationBundle;
}): React.ReactElement {
  const { model, actions, trans } = props;
  if (model.endpoints.length === 0) {
    return (
      <p className="jp-SlmlPanel-empty">
        {trans.__('No endpoints yet. %deploy NAME serves a model.')}
      </p>
    );
  }
  return (
    <ul className="jp-SlmlPanel-list" aria-label={trans.__('Endpoints')}>
      {model.endpoints.map(endpoint => {
        const label = stateLabel(endpoint.state, trans);
        const ready = endpoint.replicas.filter(
          replica => replica.state === 'ready'
        ).length;
        const replicas = trans._n('%1 replica', '%1 replicas', ready);
        return (
          <Row
            key={endpoint.name}
            data={endpoint.name}
            icon={<StateIcon state={endpoint.state} label={label} />}
            title={endpoint.name}
            aside={`${endpoint.model}@${endpoint.version}`}
            detail={
              endpoint.state === 'ready' || !endpoint.reason
                ? `${label} · ${replicas}`
                : `${label}: ${endpoint.reason}`
            }
            failed={endpoint.state === 'failed'}
            hover={[endpoint.url, endpoint.reason].filter(Boolean).join('\n')}
            actions={
              <>
                <RowAction
                  icon={copyIcon}
                  label={trans.__('Copy the URL of endpoint %1', endpoint.name)}
                  onClick={() => actions.copyUrl(endpoint)}
                />
                <RowAction
                  icon={runIcon}
                  label={trans.__('Try endpoint %1', endpoint.name)}
                  onClick={() => actions.tryIt(endpoint.name)}
                />
                <RowAction
                  icon={terminalIcon}
                  label={trans.__(
                    'Open a console on endpoint %1',
                    endpoint.name
                  )}
                  onClick={() => actions.openConsole(endpoint.name)}
                />
                <RowAction
                  icon={closeIcon}
                  label={trans.__('Take endpoint %1 down', endpoint.name)}
                  onClick={() => actions.remove(endpoint.name)}
                />
              </>
            }
          />
        );
      })}
    </ul>
  );
}
