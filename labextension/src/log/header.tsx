import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { useClock } from '../clock';
import { duration, elapsed } from '../format';
import type { JobWatch } from '../model/job';
import { isFinal } from '../model/states';
import { StateIcon, stateLabel } from '../state';

/** State, time and metrics of the job whose log is open. */
export class LogHeader extends ReactWidget {
  constructor(
    private readonly _watch: JobWatch,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-SlmlLog-header');
  }

  protected render(): React.ReactElement {
    return (
      <UseSignal signal={this._watch.changed}>
        {() => <Facts watch={this._watch} trans={this._trans} />}
      </UseSignal>
    );
  }
}

function Facts(props: {
  watch: JobWatch;
  trans: TranslationBundle;
}): React.ReactElement {
  const { watch, trans } = props;
  const { job } = watch;
  const now = useClock(job !== null && !isFinal(job.state));
  if (job === null) {
    return (
      <span>
        {watch.known === false
          ? trans.__('This workspace does not know the job %1.', watch.id)
          : watch.id}
      </span>
    );
  }
  const label = stateLabel(job.state, trans);
  const took = elapsed(job.started_at, job.ended_at, now);
  const facts = [
    took === null ? '' : duration(took),
    job.registered ?? ''
  ].filter(Boolean);
  return (
    <>
      <StateIcon state={job.state} label={label} />
      <strong>{job.name}</strong>
      <span>{[label, ...facts].join(' · ')}</span>
      {job.state !== 'succeeded' && job.reason && (
        <span className="jp-SlmlLog-reason" title={job.reason}>
          {job.reason}
        </span>
      )}
    </>
  );
}
