import { Notification, type ISessionContext } from '@jupyterlab/apputils';
import type { CodeCell, ICodeCellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { OutputArea } from '@jupyterlab/outputarea';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import { Plan, plan } from './source';

/** Loading twice is said aloud by IPython, so it is asked first. */
const LOAD = [
  'import IPython as _slml_ipython',
  '_slml_shell = _slml_ipython.get_ipython()',
  "'train' in _slml_shell.magics_manager.magics['cell'] or _slml_shell.run_line_magic('load_ext', 'jupyter_slml')",
  'del _slml_ipython, _slml_shell'
].join('\n');

/**
 * Run a cell in its own kernel as if it were headed `%%train --no-wait`.
 *
 * The cell's source stays as it is, and what the job shows goes to the cell's own output area. A busy kernel queues the
 * request like any other cell.
 */
export async function runAsJob(
  cell: CodeCell,
  panel: NotebookPanel,
  trans: TranslationBundle
): Promise<void> {
  const context = panel.sessionContext;
  const wish = plan(cell.model.sharedModel.getSource());
  if (wish.kind === 'empty') {
    return;
  }
  if (wish.kind === 'refused') {
    Notification.warning(
      trans.__(
        'A cell that starts with %%%%%1 cannot run as a job. Only Python cells can.',
        wish.magic
      )
    );
    return;
  }
  await context.ready;
  const kernel = context.session?.kernel;
  if (!kernel) {
    Notification.warning(
      trans.__(
        'The notebook has no kernel. Choose one, then run the cell as a job.'
      )
    );
    return;
  }
  const { language_info } = await kernel.info;
  if (language_info.name !== 'python') {
    Notification.warning(
      trans.__(
        'Only Python cells run as jobs; this kernel speaks %1.',
        language_info.name
      )
    );
    return;
  }
  if (kernel.status === 'busy' || isWaiting(panel)) {
    Notification.info(
      trans.__('The kernel is busy. The job starts when it is free.'),
      { autoClose: 4000 }
    );
  }
  await submit(cell, context, kernel, wish, trans);
}

/** Whether a cell still runs or waits. The kernel's status alone is not enough: a message to another of its threads, such as
 * the debugger's, ends with "idle" while a cell runs. */
function isWaiting(panel: NotebookPanel): boolean {
  return panel.content.widgets.some(
    ({ model }) =>
      model.type === 'code' &&
      (model as ICodeCellModel).executionState === 'running'
  );
}

async function submit(
  cell: CodeCell,
  context: ISessionContext,
  kernel: Kernel.IKernelConnection,
  wish: Extract<Plan, { kind: 'run' }>,
  trans: TranslationBundle
): Promise<void> {
  const { model } = cell;
  // Both are sent at once: nothing that the user runs later can come between.
  const loaded = kernel.requestExecute({
    code: LOAD,
    silent: true,
    store_history: false,
    stop_on_error: false
  }).done;
  model.sharedModel.transact(() => {
    model.clearExecution();
    cell.outputHidden = false;
  }, false);
  model.executionState = 'running';
  model.trusted = true;
  try {
    const reply = (await OutputArea.execute(
      wish.code,
      cell.outputArea,
      context,
      {
        ...model.metadata,
        cellId: model.sharedModel.getId(),
        slml_bare: wish.bare
      }
    )) as KernelMessage.IExecuteReplyMsg | undefined;
    if (!cell.isDisposed && reply) {
      model.executionCount = reply.content.execution_count;
    }
  } finally {
    if (!cell.isDisposed) {
      model.executionState = 'idle';
    }
  }
  const answer = (await loaded).content;
  if (answer.status === 'error') {
    Notification.error(
      trans.__(
        'jupyter-slml cannot be loaded in this kernel: %1. Install it in the environment of the kernel.',
        `${answer.ename}: ${answer.evalue}`
      )
    );
  }
}
