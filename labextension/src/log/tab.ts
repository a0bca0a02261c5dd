import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { stopIcon, Toolbar, ToolbarButton } from '@jupyterlab/ui-components';

import { slmlIcon } from '../icons';
import { JobWatch } from '../model/job';
import { canStop } from '../model/states';
import type { WorkspaceModel } from '../model/workspace';
import { CommandIDs } from '../tokens';
import { LogFacts } from './facts';
import { LogHeader } from './header';
import { JobPage } from './page';
import { LogView } from './view';

/** The tab of one job: its state above, its log below. */
export function logTab(
  app: JupyterFrontEnd,
  model: WorkspaceModel,
  id: string,
  trans: TranslationBundle
): MainAreaWidget<JobPage> {
  const watch = new JobWatch(model, id);
  const log = new LogView(model.client, id, trans);
  const content = new JobPage(new LogFacts(watch, trans), log);
  const tab = new MainAreaWidget({ content });
  tab.id = `slml-log-${id}`;
  tab.title.icon = slmlIcon;
  tab.title.label = model.jobs.get(id)?.name ?? id;
  tab.title.closable = true;
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
        log.showError(error.traceback.join('\n'));
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
