import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { SidePanel } from '@jupyterlab/ui-components';

import { slmlIcon } from '../icons';

/** The side panel: jobs, models and endpoints of this workspace. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-slml:panel',
  description:
    'Side panel with the jobs, models and endpoints of the workspace.',
  autoStart: true,
  optional: [ITranslator, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_slml');
    const panel = new SidePanel({ translator: translator ?? undefined });
    panel.id = 'slml-panel';
    panel.title.icon = slmlIcon;
    panel.title.caption = trans.__('Serverless ML');
    app.shell.add(panel, 'left', { rank: 510 });
    restorer?.add(panel, panel.id);
  }
};

export default plugin;
