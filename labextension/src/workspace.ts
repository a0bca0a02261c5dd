import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';

import { SlmlClient } from './api/client';
import { WorkspaceModel } from './model/workspace';
import { ISlmlWorkspace } from './tokens';

/** The workspace model of this window, which the views share. */
const plugin: JupyterFrontEndPlugin<ISlmlWorkspace> = {
  id: 'jupyter-slml:workspace',
  description: 'Jobs, models and endpoints of the workspace, kept current.',
  autoStart: true,
  provides: ISlmlWorkspace,
  activate: (app: JupyterFrontEnd) => {
    const model = new WorkspaceModel(
      new SlmlClient(app.serviceManager.serverSettings)
    );
    model.connect();
    return model;
  }
};

export default plugin;
