import type { components } from './schema';

/** The schema marks what has a default as optional, for senders; an answer always carries it. */
type Present<T> = T extends (infer Item)[]
  ? Present<Item>[]
  : T extends object
    ? { [Key in keyof T]-?: Present<T[Key]> }
    : T;

type Answer<Name extends keyof components['schemas']> = Present<
  components['schemas'][Name]
>;

/** A job as the list shows it. Times are epoch seconds. */
export type IJobSummary = Answer<'JobSummary'>;
export type IJobPage = Answer<'JobPage'>;
/** A job with everything that was asked for and everything that came of it. */
export type IJob = Answer<'JobView'>;
/** One stretch of a job's time; `end` is null while it lasts. */
export type IPhase = Answer<'Phase'>;
/** `[step, value]` pairs by metric, few enough to draw. */
export type ICurves = Record<string, [number, number][]>;
/** A search as a card shows it. */
export type ISearch = Answer<'SearchView'>;
export type IShownTrial = Answer<'ShownTrial'>;
export type JobState = components['schemas']['JobState'];
export type IArtifact = Pick<
  Answer<'Artifact'>,
  'name' | 'type' | 'format' | 'size'
>;
/** The user's own exception. */
export type ICellError = Answer<'CellError'>;

export type ILogEntry = Answer<'LogEntry'>;
export type ILogPage = Answer<'LogPage'>;

export type IModel = Answer<'ModelSummary'>;
export type IEndpoint = Answer<'EndpointView'>;
/** Figures of an endpoint; null where nothing was measured. */
export type IEndpointLoad = Answer<'EndpointLoad'>;
export type IVersion = Answer<'VersionView'>;
export type EndpointState = components['schemas']['EndpointState'];
export type IStatus = Answer<'Status'>;
