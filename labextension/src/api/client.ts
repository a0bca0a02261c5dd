import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type {
  ICurves,
  IEndpoint,
  IEndpointLoad,
  IJob,
  IJobPage,
  IJobSummary,
  ILogPage,
  IModel,
  ISearch,
  IStatus,
  IVersion
} from './types';

/** What went wrong, and what to do: the one error shape of the platform. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    readonly remedy: string | null
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** What an endpoint said to one request. */
export interface IAnswer {
  status: number;
  text: string;
  /** From the browser to the endpoint and back. */
  milliseconds: number;
}

/** The Jupyter server's `slml/*`, typed. */
export class SlmlClient {
  constructor(
    private readonly _settings: ServerConnection.ISettings = ServerConnection.makeSettings()
  ) {}

  status(): Promise<IStatus> {
    return this._json('status');
  }

  /** Start the workspace unless it runs; the answer comes when it does. */
  start(): Promise<IStatus> {
    return this._json('start', { method: 'POST' });
  }

  /** The jobs that wait, each with why. */
  async queued(): Promise<IJobSummary[]> {
    return (await this._json<IJobPage>('jobs?state=queued&limit=100')).jobs;
  }

  jobs(before: string | null = null, limit = 50): Promise<IJobPage> {
    const query = { limit: String(limit), ...(before ? { before } : {}) };
    return this._json(`jobs${URLExt.objectToQueryString(query)}`);
  }

  job(id: string): Promise<IJob> {
    return this._json(`jobs/${encodeURIComponent(id)}`);
  }

  stopJob(id: string): Promise<IJob> {
    return this._json(`jobs/${encodeURIComponent(id)}/stop`, {
      method: 'POST'
    });
  }

  async curves(id: string): Promise<ICurves> {
    const path = `jobs/${encodeURIComponent(id)}/curves`;
    return (await this._json<{ curves: ICurves }>(path)).curves;
  }

  /** The trials of a tuning job. */
  search(id: string): Promise<ISearch> {
    return this._json(`jobs/${encodeURIComponent(id)}/search`);
  }

  /** The end of what a job has printed. */
  logTail(id: string): Promise<ILogPage> {
    const query = 'tail=true&limit=65536';
    return this._json(`jobs/${encodeURIComponent(id)}/logs?${query}`);
  }

  async models(): Promise<IModel[]> {
    return (await this._json<{ models: IModel[] }>('models')).models;
  }

  async endpoints(): Promise<IEndpoint[]> {
    return (await this._json<{ endpoints: IEndpoint[] }>('endpoints'))
      .endpoints;
  }

  /** What an endpoint does now, its cold starts and its cost so far. */
  endpointLoad(name: string): Promise<IEndpointLoad> {
    return this._json(`endpoints/${encodeURIComponent(name)}/load`);
  }

  /** One prediction, through the Jupyter server; an answer that is a refusal is text, too. */
  async invoke(name: string, body: string, type: string): Promise<IAnswer> {
    const begun = performance.now();
    const url = URLExt.join(
      this._settings.baseUrl,
      'slml/endpoints',
      encodeURIComponent(name),
      'invocations'
    );
    const response = await ServerConnection.makeRequest(
      url,
      { method: 'POST', body, headers: { 'Content-Type': type } },
      this._settings
    );
    return {
      status: response.status,
      text: await response.text(),
      milliseconds: performance.now() - begun
    };
  }

  /** A registered version with its signature. */
  version(model: string, number: number): Promise<IVersion> {
    const path = `models/${encodeURIComponent(model)}/versions/${number}`;
    return this._json(path);
  }

  /** Have a terminal with a console on a live replica of an endpoint; returns the terminal's name. */
  async openConsole(name: string): Promise<string> {
    const path = `endpoints/${encodeURIComponent(name)}/console`;
    const { terminal } = await this._json<{ terminal: string }>(path, {
      method: 'POST'
    });
    return terminal;
  }

  removeEndpoint(name: string): Promise<unknown> {
    return this._json(`endpoints/${encodeURIComponent(name)}`, {
      method: 'DELETE'
    });
  }

  /** Open the event stream of `path`; throws ApiError when the answer is none. */
  async stream(
    path: string,
    lastId: string | null,
    signal: AbortSignal
  ): Promise<ReadableStream<Uint8Array>> {
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (lastId) {
      headers['Last-Event-ID'] = lastId;
    }
    const response = await this._request(path, { headers, signal });
    if (!response.body) {
      throw new ApiError('The stream has no body.', 502, 'internal', null);
    }
    return response.body;
  }

  private async _json<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await this._request(path, init);
    const text = await response.text();
    return (text ? JSON.parse(text) : null) as T;
  }

  private async _request(path: string, init: RequestInit): Promise<Response> {
    const url = URLExt.join(this._settings.baseUrl, 'slml', path);
    const response = await ServerConnection.makeRequest(
      url,
      init,
      this._settings
    );
    if (!response.ok) {
      throw await failure(response);
    }
    return response;
  }
}

async function failure(response: Response): Promise<ApiError> {
  const said = await response
    .json()
    .then(body => body?.error)
    .catch(() => null);
  return new ApiError(
    said?.message ?? `${response.status} ${response.statusText}`,
    response.status,
    said?.code ?? 'internal',
    said?.remedy ?? null
  );
}
