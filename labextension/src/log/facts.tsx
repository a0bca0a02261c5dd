import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { useClock } from '../clock';
import { Metrics } from '../job/metrics';
import { Phases } from '../job/phases';
import type { JobWatch } from '../model/job';
import { isFinal } from '../model/states';

/** Between a job's state and its log: where its time goes, and what it measured. */
export class LogFacts extends ReactWidget {
  constructor(
    private readonly _watch: JobWatch,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-SlmlLog-facts');
  }

  protected render(): React.ReactElement {
    return (
      <UseSignal signal={this._watch.changed}>
        {() => <Strip watch={this._watch} trans={this._trans} />}
      </UseSignal>
    );
  }
}

function Strip(props: {
  watch: JobWatch;
  trans: TranslationBundle;
}): React.ReactElement | null {
  const { watch, trans } = props;
  const { job, curves } = watch;
  const lives = job !== null && !isFinal(job.state);
  const now = useClock(lives);
  return job === null ? null : (
    <>
      <Phases phases={job.phases} now={lives ? now : null} trans={trans} />
      <Metrics metrics={job.metrics} curves={curves ?? {}} trans={trans} />
    </>
  );
}
