import type { JobState } from '../model/states';

/** A job as the list shows it. Times are epoch seconds. */
export interface IJobSummary {
  id: string;
  name: string;
  kind: string;
  state: JobState;
  reason: string;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
  metrics: Record<string, number>;
  registered: string | null;
  instance: string;
  notebook: string | null;
  revision: number;
}

/** The user's own exception. */
export interface ICellError {
  ename: string;
  evalue: string;
  traceback: string[];
  line?: number | null;
}

export interface IArtifact {
  name: string;
  type: string;
  format: string;
  size: number;
}

export interface IOutcome {
  reason: string;
  message: string;
  error: ICellError | null;
  outputs?: IArtifact[];
}

/** A job with everything that was asked for and everything that came of it. */
export interface IJob {
  id: string;
  name: string;
  spec: {
    kind: string;
    instance: string;
    origin: { notebook: string | null };
    captures: { name: string; type: string; size: number }[];
  };
  state: JobState;
  reason: string;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
  outcome: IOutcome | null;
  metrics: Record<string, number>;
  registered: string | null;
  revision: number;
}

export interface ILogEntry {
  q: number;
  n: number;
  t: number;
  s: 'out' | 'err';
  x: string;
}

export interface ILogPage {
  entries: ILogEntry[];
  last: number;
  done: boolean;
}

export interface IVersion {
  model: string;
  number: number;
  created_at: number;
  size: number;
  format: string;
  type: string;
  metrics: Record<string, number>;
  job: string;
}

export interface IModel {
  name: string;
  created_at: number;
  latest: IVersion;
}

export type EndpointState =
  'starting' | 'ready' | 'degraded' | 'failed' | 'stopping' | 'stopped';

export interface IEndpoint {
  name: string;
  state: EndpointState;
  reason: string;
  updated_at: number;
  url: string;
  model: string;
  version: number;
  replicas: { id: string; state: string }[];
}

export interface IStatus {
  version: string;
  workspace: string;
  home: string;
}
