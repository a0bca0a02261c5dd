import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { CommandIDs, ISlmlWorkspace } from '../tokens';
import { MIME_TYPE } from './payload';
import { CardRenderer } from './widget';

/** Draws jobs and endpoints in notebook outputs, also in a notebook that has no kernel. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-slml:renderer',
  description: 'Draws jobs and endpoints in notebook outputs.',
  autoStart: true,
  requires: [IRenderMimeRegistry, ISlmlWorkspace],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    workspace: ISlmlWorkspace,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_slml');
    const { commands } = app;
    rendermime.addFactory({
      // Text and numbers only, so it may draw in a notebook that is not trusted.
      safe: true,
      mimeTypes: [MIME_TYPE],
      // Before text/html, and before a widget view in the same bundle.
      defaultRank: -100,
      createRenderer: () =>
        new CardRenderer({
          workspace,
          trans,
          openLog: id => void commands.execute(CommandIDs.openLog, { id }),
          stop: id => void commands.execute(CommandIDs.stopJob, { id }),
          tryEndpoint: name =>
            void commands.execute(CommandIDs.tryEndpoint, { name }),
          openConsole: name =>
            void commands.execute(CommandIDs.openConsole, { name }),
          removeEndpoint: name =>
            void commands.execute(CommandIDs.removeEndpoint, { name })
        })
    });
  }
};

export default plugin;
