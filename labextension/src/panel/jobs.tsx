import type { TranslationBundle } from '@jupyterlab/translation';
import { fileIcon, stopIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IJobSummary } from '../api/types';
import { useClock } from '../clock';
import { duration, elapsed, metricLine, moment } from '../format';
import { canStop, isFinal } from '../model/states';
import type { WorkspaceModel } from '../model/workspace';
import { StateIcon, stateLabel } from '../state';
import { Row, RowAction } from './row';

export interface IJobActions {
  openLog: (id: string) => void;
  stop: (id: string) => void;
}

/** The jobs that are loaded, newest first, and a way to the older ones. */
export function Jobs(props: {
  model: WorkspaceModel;
  actions: IJobActions;
  trans: TranslationBundle;
}): React.ReactElement {
  const { model, actions, trans } = props;
  const jobs = model.jobs.items;
  const now = useClock(jobs.some(job => !isFinal(job.state)));
  if (jobs.length === 0) {
    return (
      <p className="jp-SlmlPanel-empty">
        {trans.__(
          'No jobs yet. Write %%%%train above a cell, or press the job button of a cell.'
        )}
      </p>
    );
  }
  return (
    <>
      <ul className="jp-SlmlPanel-list" aria-label={trans.__('Jobs')}>
        {jobs.map(job => (
          <JobRow
            key={job.id}
            job={job}
            now={now}
            actions={actions}
            trans={trans}
          />
        ))}
      </ul>
      {model.jobs.next !== null && (
        <button
          type="button"
          className="jp-SlmlPanel-more"
          onClick={() => void model.more()}
        >
          {trans.__('Older jobs')}
        </button>
      )}
    </>
  );
}

function JobRow(props: {
  job: IJobSummary;
  now: number;
  actions: IJobActions;
  trans: TranslationBundle;
}): React.ReactElement {
  const { job, actions, trans } = props;
  const label = stateLabel(job.state, trans);
  const took = elapsed(job.started_at, job.ended_at, props.now);
  const bad = job.state === 'failed' || job.state === 'lost';
  return (
    <Row
      data={job.id}
      icon={<StateIcon state={job.state} label={label} />}
      title={job.name}
      aside={
        isFinal(job.state) || took === null
          ? moment(job.created_at)
          : duration(took)
      }
      detail={detail(job, label, took)}
      failed={bad}
      hover={[`${job.name} (${job.id})`, label, job.reason, job.instance]
        .filter(Boolean)
        .join('\n')}
      openLabel={trans.__('Open the log of job %1, %2', job.name, label)}
      onOpen={() => actions.openLog(job.id)}
      actions={
        <>
          {canStop(job.state) && (
            <RowAction
              icon={stopIcon}
              label={trans.__('Stop job %1', job.name)}
              onClick={() => actions.stop(job.id)}
            />
          )}
          <RowAction
            icon={fileIcon}
            label={trans.__('Open the log of job %1', job.name)}
            onClick={() => actions.openLog(job.id)}
          />
        </>
      }
    />
  );
}

/** What matters most in this state: why it waits or failed, else what came of it. The icon says the state. */
function detail(job: IJobSummary, label: string, took: number | null): string {
  if (job.state !== 'succeeded' && job.reason) {
    return job.reason.startsWith(label)
      ? job.reason
      : `${label}: ${job.reason}`;
  }
  const said = [job.registered, metricLine(job.metrics)];
  const time = isFinal(job.state) && took !== null ? duration(took) : '';
  const parts = said.some(Boolean) ? [...said, time] : [label, time];
  return parts.filter(Boolean).join(' · ');
}
