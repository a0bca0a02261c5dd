import { JupyterFrontEndPlugin } from '@jupyterlab/application';

import panel from './panel';

/** Several plugins, so that a deployment can disable one of them. */
const plugins: JupyterFrontEndPlugin<unknown>[] = [panel];

export default plugins;
