import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { ApiError } from '../api/client';
import type { WorkspaceModel } from '../model/workspace';

/** Says what keeps the lists from being live; nothing when they are. */
export function Banner(props: {
  model: WorkspaceModel;
  trans: TranslationBundle;
}): React.ReactElement | null {
  const { model, trans } = props;
  const said = sentence(model, trans);
  if (said === null && !model.error) {
    return null;
  }
  return (
    <div className="jp-SlmlBanner">
      {said !== null && <p>{said}</p>}
      {model.error ? <ErrorText error={model.error} /> : null}
      {model.phase === 'absent' && (
        <button
          type="button"
          className="jp-Button jp-mod-styled jp-mod-accept"
          onClick={() => void model.start()}
        >
          {trans.__('Start')}
        </button>
      )}
    </div>
  );
}

function ErrorText(props: { error: unknown }): React.ReactElement {
  const { error } = props;
  const message = error instanceof Error ? error.message : String(error);
  const remedy = error instanceof ApiError ? error.remedy : null;
  return (
    <p className="jp-SlmlBanner-error">
      {message}
      {remedy && <span>{remedy}</span>}
    </p>
  );
}

function sentence(
  model: WorkspaceModel,
  trans: TranslationBundle
): string | null {
  switch (model.phase) {
    case 'connecting':
      return trans.__('Connecting…');
    case 'absent':
      return trans.__('The workspace is not running.');
    case 'starting':
      return trans.__('Starting the workspace…');
    case 'unreachable':
      return trans.__('The Jupyter server does not answer. Trying again…');
    case 'running':
      return null;
  }
}
