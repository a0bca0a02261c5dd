import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import type { CodeCell } from '@jupyterlab/cells';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { slmlIcon } from '../icons';
import { CommandIDs } from '../tokens';

/** The button of a cell, and its places in the menus (schema/cell.json). */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-slml:cell',
  description: 'Runs the active cell as a job.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_slml');
    const isEnabled = () => notebooks.activeCell?.model.type === 'code';
    app.commands.addCommand(CommandIDs.runCell, {
      label: trans.__('Run Cell as Job'),
      caption: trans.__('Run this cell as a job'),
      icon: slmlIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled,
      isVisible: isEnabled,
      execute: async () => {
        const panel = notebooks.currentWidget;
        const cell = notebooks.activeCell;
        if (panel && cell?.model.type === 'code') {
          const { runAsJob } = await import('./run');
          await runAsJob(cell as CodeCell, panel, trans);
        }
      }
    });
    notebooks.activeCellChanged.connect(() => {
      app.commands.notifyCommandChanged(CommandIDs.runCell);
    });
    palette?.addItem({
      command: CommandIDs.runCell,
      category: trans.__('Serverless ML')
    });
  }
};

export default plugin;
