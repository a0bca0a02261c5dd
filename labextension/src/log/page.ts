import { Panel } from '@lumino/widgets';

import type { LogFacts } from './facts';
import type { LogView } from './view';

/** What a job's tab shows: the facts above, the log in the room that is left. */
export class JobPage extends Panel {
  constructor(
    readonly facts: LogFacts,
    readonly log: LogView
  ) {
    super();
    this.addClass('jp-SlmlJob');
    this.addWidget(facts);
    this.addWidget(log);
  }

  get job(): string {
    return this.log.job;
  }
}
