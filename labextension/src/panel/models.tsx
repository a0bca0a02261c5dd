import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { metricLine, moment } from '../format';
import type { WorkspaceModel } from '../model/workspace';
import { Row } from './row';

/** Registered names with their newest version. */
export function Models(props: {
  model: WorkspaceModel;
  trans: TranslationBundle;
}): React.ReactElement {
  const { model, trans } = props;
  if (model.models.length === 0) {
    return (
      <p className="jp-SlmlPanel-empty">
        {trans.__('No models yet. %%%%train --register NAME registers one.')}
      </p>
    );
  }
  return (
    <ul className="jp-SlmlPanel-list" aria-label={trans.__('Models')}>
      {model.models.map(({ name, latest }) => (
        <Row
          key={name}
          data={name}
          title={`${name}@${latest.number}`}
          aside={moment(latest.created_at)}
          detail={[shortType(latest.type), metricLine(latest.metrics)]
            .filter(Boolean)
            .join(' · ')}
          hover={`${name}@${latest.number}\n${latest.type}\n${latest.format}`}
        />
      ))}
    </ul>
  );
}

/** `xgboost.sklearn.XGBClassifier` is known as `XGBClassifier`. */
function shortType(type: string): string {
  return type.slice(type.lastIndexOf('.') + 1);
}
