import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import {
  ITranslator,
  nullTranslator,
  TranslationBundle
} from '@jupyterlab/translation';

import { ApiError } from '../api/client';
import { CommandIDs, ISlmlWorkspace } from '../tokens';

/** What may be done to jobs and endpoints, as commands: the panel, the card and other extensions use the same ones. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-slml:commands',
  description: 'Commands that stop jobs and take endpoints down.',
  autoStart: true,
  requires: [ISlmlWorkspace],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: ISlmlWorkspace,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_slml');
    app.commands.addCommand(CommandIDs.stopJob, {
      label: trans.__('Stop Job'),
      caption: trans.__('Stop a job and everything it started'),
      describedBy: { args: named('id', 'The id of the job') },
      execute: args => reported(model.stopJob(String(args.id)))
    });
    app.commands.addCommand(CommandIDs.openConsole, {
      label: trans.__('Open Console on Endpoint'),
      caption: trans.__('Look into a live replica of an endpoint'),
      describedBy: { args: named('name', 'The name of the endpoint') },
      execute: args =>
        reported(
          model.client
            .openConsole(String(args.name))
            .then(name => app.commands.execute('terminal:open', { name }))
        )
    });
    app.commands.addCommand(CommandIDs.removeEndpoint, {
      label: trans.__('Take Endpoint Down'),
      caption: trans.__('Stop serving an endpoint and free its name'),
      describedBy: { args: named('name', 'The name of the endpoint') },
      execute: async args => {
        const name = String(args.name);
        if (await agreed(name, trans)) {
          await reported(model.removeEndpoint(name));
        }
      }
    });
  }
};

/** Requests to the endpoint fail from then on, so it is asked first. */
async function agreed(
  name: string,
  trans: TranslationBundle
): Promise<boolean> {
  const answer = await showDialog({
    title: trans.__('Take endpoint %1 down?', name),
    body: trans.__(
      'Requests to it will fail. The model stays registered and can be deployed again.'
    ),
    buttons: [
      Dialog.cancelButton(),
      Dialog.warnButton({ label: trans.__('Take Down') })
    ]
  });
  return answer.button.accept;
}

/** A refusal is told to the user with its remedy instead of vanishing in the console. */
async function reported(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const remedy = error instanceof ApiError ? error.remedy : null;
    Notification.error(remedy ? `${message} ${remedy}` : message);
  }
}

function named(name: string, description: string) {
  return {
    type: 'object' as const,
    properties: { [name]: { type: 'string' as const, description } },
    required: [name]
  };
}

export default plugin;
