import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs, ISlmlWorkspace } from '../tokens';
import { SlmlPanel } from './widget';

/** The side panel: jobs, models and endpoints of this workspace. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-slml:panel',
  description:
    'Side panel with the jobs, models and endpoints of the workspace.',
  autoStart: true,
  requires: [ISlmlWorkspace],
  optional: [ITranslator, ILayoutRestorer, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    model: ISlmlWorkspace,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null
  ) => {
    const { commands, shell } = app;
    const languages = translator ?? nullTranslator;
    const trans = languages.load('jupyter_slml');
    const panel = new SlmlPanel({
      model,
      translator: languages,
      trans,
      jobs: {
        openLog: id => void commands.execute(CommandIDs.openLog, { id }),
        stop: id => void commands.execute(CommandIDs.stopJob, { id })
      },
      endpoints: {
        copyUrl: ({ url }) => void navigator.clipboard.writeText(url),
        remove: name =>
          void commands.execute(CommandIDs.removeEndpoint, { name }),
        tryIt: name => void commands.execute(CommandIDs.tryEndpoint, { name }),
        openConsole: name =>
          void commands.execute(CommandIDs.openConsole, { name })
      }
    });
    shell.add(panel, 'left', { rank: 510 });
    restorer?.add(panel, panel.id);
    commands.addCommand(CommandIDs.showPanel, {
      label: trans.__('Show Jobs, Models and Endpoints'),
      caption: trans.__('Open the side panel of the workspace'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => shell.activateById(panel.id)
    });
    palette?.addItem({
      command: CommandIDs.showPanel,
      category: trans.__('Serverless ML')
    });
  }
};

export default plugin;
