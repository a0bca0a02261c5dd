import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { WorkspaceModel } from '../model/workspace';

/** One section of the panel: drawn anew whenever the workspace changes. */
export class Section extends ReactWidget {
  constructor(
    private readonly _model: WorkspaceModel,
    private readonly _draw: () => React.ReactElement | null
  ) {
    super();
    this.addClass('jp-SlmlPanel-section');
  }

  protected render(): React.ReactElement {
    return (
      <UseSignal signal={this._model.changed}>{() => this._draw()}</UseSignal>
    );
  }
}
