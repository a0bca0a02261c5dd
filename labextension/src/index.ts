import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import cell from './cell';
import commands from './commands';
import endpoint from './endpoint';
import log from './log';
import panel from './panel';
import renderer from './renderer';
import workspace from './workspace';

/** Several plugins, so that a deployment can disable one of them. */
const plugins: JupyterFrontEndPlugin<unknown>[] = [
  workspace,
  commands,
  panel,
  log,
  renderer,
  endpoint,
  cell
];

export default plugins;
