import type {
  EndpointState,
  IArtifact,
  ICellError,
  ICurves,
  IEndpointLoad,
  IJob,
  IPhase,
  ISearch,
  JobState
} from '../api/types';
import { isFinal } from '../model/states';

export const MIME_TYPE = 'application/vnd.jupyter-slml.job+json';

/** A job's card as the notebook file keeps it. */
export interface IJobCard {
  schema: number;
  workspace: string;
  kind: 'job';
  id: string;
  name: string;
  state: JobState;
  reason: string;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
  instance: string;
  metrics: Record<string, number>;
  registered: string | null;
  outcome: { reason: string; message: string; error: ICellError | null } | null;
  log_tail: string[];
  outputs: IArtifact[];
  captures: { name: string; type: string; size: number }[];
  revision: number;
  headless: boolean;
  /** Absent in cards of the first release. */
  phases?: IPhase[];
  expected_at?: number | null;
  curves?: ICurves;
  /** Of a batch job alone: where its parts go. Its progress is read off the metrics. */
  batch?: { output: string; progress: string };
  /** Of a tuning job that has begun. */
  tuning?: ISearch;
}

/** An endpoint's card. */
export interface IEndpointCard {
  schema: number;
  workspace: string;
  kind: 'endpoint';
  id: string;
  name: string;
  state: EndpointState;
  reason: string;
  url: string;
  model: string;
  version: number;
  replicas: number;
  /** Absent in cards of the first release. */
  traffic?: { model: string; revision: number; weight: number }[];
  load?: IEndpointLoad | null;
  /** The reference that it moves with. */
  follows?: string | null;
}

export type ICard = IJobCard | IEndpointCard;

/** The newest payload version that is understood; a card from a later release falls back to its text. */
const SCHEMA = 1;

/** The card in an output, or null when it is not one that this version can draw. */
export function parseCard(data: unknown): ICard | null {
  const card = data as ICard | null;
  if (
    typeof card !== 'object' ||
    card === null ||
    typeof card.id !== 'string'
  ) {
    return null;
  }
  return card.schema === SCHEMA && ['job', 'endpoint'].includes(card.kind)
    ? card
    : null;
}

/** The card with what the server says now. */
export function withTruth(
  card: IJobCard,
  job: IJob,
  tail: string[],
  curves: ICurves | null,
  tuning: ISearch | null = null
): IJobCard {
  return {
    ...card,
    name: job.name,
    state: job.state,
    reason: job.reason,
    started_at: job.started_at,
    ended_at: job.ended_at,
    metrics: job.metrics,
    registered: job.registered,
    outcome: job.outcome && {
      reason: job.outcome.reason,
      message: job.outcome.message,
      error: job.outcome.error
    },
    outputs:
      job.outcome?.outputs?.map(({ name, type, format, size }) => ({
        name,
        type,
        format,
        size
      })) ?? card.outputs,
    phases: job.phases,
    expected_at: job.expected_at,
    curves: curves ?? card.curves,
    ...(tuning ? { tuning } : {}),
    log_tail: tail.length > 0 ? tail : card.log_tail,
    revision: job.revision
  };
}

/** Whether the notebook should keep `live` instead of `saved`: the job has ended since it was saved. */
export function isNews(saved: IJobCard, live: IJobCard): boolean {
  return isFinal(live.state) && live.revision > saved.revision;
}

/** The card for readers without our renderer: plain text and static HTML. */
export function fallbacks(card: IJobCard): Record<string, string> {
  const text = `${card.name}: ${card.state}${card.reason ? ` (${card.reason})` : ''} · ${card.id}`;
  const escaped = text.replace(/[&<>]/g, letter =>
    letter === '&' ? '&amp;' : letter === '<' ? '&lt;' : '&gt;'
  );
  return { 'text/plain': text, 'text/html': `<div>${escaped}</div>` };
}
