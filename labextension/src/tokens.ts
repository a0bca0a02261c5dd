import { Token } from '@lumino/coreutils';

import type { WorkspaceModel } from './model/workspace';

/** The workspace of this window: one model, one event stream, however many views. */
export type ISlmlWorkspace = WorkspaceModel;

export const ISlmlWorkspace = new Token<ISlmlWorkspace>(
  'jupyter-slml:ISlmlWorkspace',
  'Jobs, models and endpoints of the workspace, kept current.'
);

/** Ids of our commands. */
export const CommandIDs = {
  showPanel: 'slml:show-panel',
  openLog: 'slml:open-log',
  stopJob: 'slml:stop-job',
  removeEndpoint: 'slml:remove-endpoint',
  tryEndpoint: 'slml:try-endpoint',
  openConsole: 'slml:open-console',
  runCell: 'slml:run-cell'
};
