import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs, ISlmlWorkspace } from '../tokens';
import type { JobPage } from './page';

/** A job's log in a tab of the main area, one tab per job. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-slml:log',
  description: 'A tab with the log of a job, live.',
  autoStart: true,
  requires: [ISlmlWorkspace],
  optional: [ITranslator, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    model: ISlmlWorkspace,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_slml');
    const tracker = new WidgetTracker<MainAreaWidget<JobPage>>({
      namespace: 'jupyter-slml-log'
    });
    app.commands.addCommand(CommandIDs.openLog, {
      label: trans.__('Open Job Log'),
      caption: trans.__('Open the log of a job in a tab'),
      describedBy: {
        args: {
          type: 'object',
          properties: {
            id: { type: 'string', description: 'The id of the job' }
          },
          required: ['id']
        }
      },
      execute: async args => {
        const id = String(args.id);
        let tab = tracker.find(({ content }) => content.job === id);
        if (!tab) {
          const { logTab } = await import('./tab');
          tab = logTab(app, model, id, trans);
          void tracker.add(tab);
          app.shell.add(tab, 'main', { mode: 'split-bottom' });
        }
        app.shell.activateById(tab.id);
      }
    });
    void restorer?.restore(tracker, {
      command: CommandIDs.openLog,
      args: ({ content }) => ({ id: content.job }),
      name: ({ content }) => content.job
    });
  }
};

export default plugin;
