import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { stopIcon, Toolbar, ToolbarButton } from '@jupyterlab/ui-components';

import { slmlIcon } from '../icons';
import { JobWatch } from '../model/job';
import { plain } from '../model/log';
import { canStop } from '../model/states';
import type { WorkspaceModel } from '../model/workspace';
import { CommandIDs } from '../tokens';
import { LogHeader } from './header';
import { LogView } from './view';

/** The tab of one job: its state above, its log below. */
export function logTab(
  app: JupyterFrontEnd,
  model: WorkspaceModel,
  id: string,
  trans: TranslationBundle
): MainAreaWidget<LogView> {
  const content = new LogView(model.client, id, trans);
  const tab = new MainAreaWidget({ content });
  tab.id = `slml-log-${id}`;
  tab.title.icon = slmlIcon;
  tab.title.label = model.jobs.get(id)?.name ?? id;
  tab.title.closable = true;
  const watch = new JobWatch(model, id);
  const stop = new ToolbarButton({
    icon: stopIcon,
    label: trans.__('Stop'),
    tooltip: trans.__('Stop this job'),
    onClick: () => void app.commands.execute(CommandIDs.stopJob, { id })
  });
  const follow = () => {
    const { job } = watch;
    stop.setHidden(job === null || !canStop(job.state));
    if (job) {
      tab.title.label = job.name;
      const error = job.outcome?.error;
      if (error) {
        content.showError(plain(error.traceback.join('\n')));
      }
    }
  };
  watch.changed.connect(follow);
  follow();
  tab.toolbar.addItem('facts', new LogHeader(watch, trans));
  tab.toolbar.addItem('spacer', Toolbar.createSpacerItem());
  tab.toolbar.addItem('stop', stop);
  tab.disposed.connect(() => watch.dispose());
  return tab;
}
