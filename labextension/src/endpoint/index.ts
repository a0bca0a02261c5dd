import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { slmlIcon } from '../icons';
import { CommandIDs, ISlmlWorkspace } from '../tokens';
import type { TryIt } from './tryit';

/** A tab in which an endpoint can be tried, one per endpoint. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-slml:endpoint',
  description: 'A tab that sends requests to an endpoint.',
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
    const tracker = new WidgetTracker<MainAreaWidget<TryIt>>({
      namespace: 'jupyter-slml-try'
    });
    app.commands.addCommand(CommandIDs.tryEndpoint, {
      label: trans.__('Try Endpoint'),
      caption: trans.__('Send a request to an endpoint and see its answer'),
      describedBy: {
        args: {
          type: 'object',
          properties: {
            name: { type: 'string', description: 'The name of the endpoint' }
          },
          required: ['name']
        }
      },
      execute: async args => {
        const name = String(args.name);
        let tab = tracker.find(({ content }) => content.endpoint === name);
        if (!tab) {
          const { TryIt } = await import('./tryit');
          const known = model.endpoints.find(each => each.name === name);
          const served = known
            ? { name: known.model, version: known.version }
            : null;
          const content = new TryIt(model.client, name, served, trans);
          tab = new MainAreaWidget({ content });
          tab.id = `slml-try-${name}`;
          tab.title.icon = slmlIcon;
          tab.title.label = name;
          tab.title.closable = true;
          void tracker.add(tab);
          app.shell.add(tab, 'main', { mode: 'split-right' });
        }
        app.shell.activateById(tab.id);
      }
    });
    void restorer?.restore(tracker, {
      command: CommandIDs.tryEndpoint,
      args: ({ content }) => ({ name: content.endpoint }),
      name: ({ content }) => content.endpoint
    });
  }
};

export default plugin;
