import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { ISearch } from '../api/types';
import { JobWatch } from '../model/job';
import { LoadWatch } from '../model/load';
import { isFinal } from '../model/states';
import type { WorkspaceModel } from '../model/workspace';
import { EndpointCard, IEndpointCardActions } from './endpoint';
import { ICardActions, JobCard } from './job';
import {
  fallbacks,
  ICard,
  IEndpointCard,
  IJobCard,
  isNews,
  MIME_TYPE,
  parseCard,
  withTruth
} from './payload';

const TAIL = 8;
const PAUSE_MS = 2000;

export interface ICardOptions {
  workspace: WorkspaceModel;
  trans: TranslationBundle;
  openLog: (id: string) => void;
  stop: (id: string) => void;
  tryEndpoint: (name: string) => void;
  openConsole: (name: string) => void;
  removeEndpoint: (name: string) => void;
}

/**
 * Draws a card: the saved snapshot at once, then what the server says.
 *
 * A job that the workspace does not know (a notebook from elsewhere) stays the snapshot that it is, without buttons.
 */
export class CardRenderer extends ReactWidget implements IRenderMime.IRenderer {
  constructor(private readonly _options: ICardOptions) {
    super();
    this.addClass('jp-SlmlCard-host');
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._model = model;
    this._saved = parseCard(model.data[MIME_TYPE]);
    this._text = String(model.data['text/plain'] ?? '');
    const id = this._saved?.kind === 'job' ? this._saved.id : null;
    if (this._saved?.kind === 'endpoint') {
      // Once, however often this is called: a signal keeps one connection of a slot.
      this._options.workspace.changed.connect(this.update, this);
      this._watchLoad(this._saved.name);
    }
    if (this._watch?.id !== id) {
      this._watch?.dispose();
      this._watch =
        this._saved?.kind === 'job' ? this._follow(this._saved) : null;
    }
    this.update();
    await this.renderPromise;
  }

  dispose(): void {
    this._watch?.dispose();
    this._load?.dispose();
    super.dispose();
  }

  protected render(): React.ReactElement {
    const { trans, openLog, stop } = this._options;
    if (this._saved === null) {
      return <pre>{this._text}</pre>;
    }
    if (this._saved.kind === 'endpoint') {
      return this._renderEndpoint(this._endpoint(this._saved));
    }
    const { id } = this._saved;
    const known = this._watch?.known === true;
    const actions: ICardActions | null = known
      ? { openLog: () => openLog(id), stop: () => stop(id) }
      : null;
    return (
      <JobCard
        card={this._current(this._saved)}
        actions={actions}
        live={known}
        trans={trans}
      />
    );
  }

  private _renderEndpoint(card: IEndpointCard): React.ReactElement {
    const { trans, tryEndpoint, openConsole, removeEndpoint } = this._options;
    const actions: IEndpointCardActions | null = this._isLive(card)
      ? {
          tryIt: () => tryEndpoint(card.name),
          openConsole: () => openConsole(card.name),
          remove: () => removeEndpoint(card.name)
        }
      : null;
    return <EndpointCard card={card} actions={actions} trans={trans} />;
  }

  private _watchLoad(name: string): void {
    if (this._load?.name === name) {
      return;
    }
    this._load?.dispose();
    const seen = () =>
      this.isVisible &&
      this._saved?.kind === 'endpoint' &&
      this._isLive(this._endpoint(this._saved));
    this._load = new LoadWatch(this._options.workspace.client, name, seen);
    this._load.changed.connect(() => this.update());
  }

  /** Whether the endpoint is one that this workspace serves. */
  private _isLive(card: IEndpointCard): boolean {
    const { phase, id } = this._options.workspace;
    return (
      phase === 'running' &&
      id === card.workspace &&
      !['stopping', 'stopped'].includes(card.state)
    );
  }

  private _follow(saved: IJobCard): JobWatch {
    // The curves of a job that has ended are in the notebook already.
    const kept = isFinal(saved.state) && saved.curves !== undefined;
    const watch = new JobWatch(this._options.workspace, saved.id, {
      curves: !kept
    });
    watch.changed.connect(this._onNews, this);
    return watch;
  }

  private _onNews(watch: JobWatch): void {
    this.update();
    if (watch.job?.spec.tuning && !isFinal(watch.job.state)) {
      this._readSearchSoon(watch.id);
    }
    if (watch.job && isFinal(watch.job.state) && !this._tailRead) {
      this._tailRead = true;
      const search = watch.job.spec.tuning && this._readSearch(watch.id);
      void Promise.all([
        this._readTail(watch.id),
        watch.readCurves(),
        search
      ]).then(() => {
        if (!this.isDisposed) {
          this._keep();
          this.update();
        }
      });
    }
  }

  /** The last lines as the log has them: the kernel may have gone before the job ended. */
  private async _readTail(id: string): Promise<void> {
    try {
      const { entries } = await this._options.workspace.client.logTail(id);
      const lines = entries
        .map(entry => entry.x)
        .join('')
        .split('\n');
      this._tail = lines.filter(line => line.trim()).slice(-TAIL);
    } catch {
      // Without it the card keeps the lines that it was saved with.
      this._tail = [];
    }
  }

  private async _readSearch(id: string): Promise<void> {
    try {
      this._search = await this._options.workspace.client.search(id);
    } catch {
      // The trials stay as they were seen last.
    }
  }

  /** Its trials, at most every other second. */
  private _readSearchSoon(id: string): void {
    if (this._searching) {
      return;
    }
    this._searching = true;
    void this._readSearch(id).then(() => {
      if (!this.isDisposed) {
        this.update();
        setTimeout(() => (this._searching = false), PAUSE_MS);
      }
    });
  }

  /** Write the final truth into the notebook's output, so that the saved file is right without us. */
  private _keep(): void {
    const saved = this._saved;
    if (saved?.kind !== 'job' || !this._model) {
      return;
    }
    const live = this._current(saved);
    if (isNews(saved, live)) {
      this._model.setData({
        data: {
          ...this._model.data,
          ...fallbacks(live),
          [MIME_TYPE]: live as unknown as IRenderMime.IMimeModel['data'][string]
        }
      });
    }
  }

  private _current(saved: IJobCard): IJobCard {
    const job = this._watch?.job;
    return job && job.revision >= saved.revision
      ? withTruth(
          saved,
          job,
          this._tail,
          this._watch?.curves ?? null,
          this._search
        )
      : saved;
  }

  private _endpoint(saved: IEndpointCard): IEndpointCard {
    const { endpoints, phase, id } = this._options.workspace;
    if (phase !== 'running' || id !== saved.workspace) {
      return saved;
    }
    const now = endpoints.find(each => each.name === saved.name);
    return now
      ? {
          ...saved,
          state: now.state,
          reason: now.reason,
          url: now.url,
          model: now.model,
          version: now.version,
          replicas: now.replicas.filter(each => each.state === 'ready').length,
          traffic: now.revisions.map(each => ({
            model: `${each.model}@${each.version}`,
            revision: each.number,
            weight: each.weight
          })),
          load: this._load?.load ?? saved.load,
          follows: now.spec.follow ? now.spec.model : null
        }
      : { ...saved, state: 'stopped', reason: '', replicas: 0, load: null };
  }

  private _model: IRenderMime.IMimeModel | null = null;
  private _saved: ICard | null = null;
  private _text = '';
  private _watch: JobWatch | null = null;
  private _load: LoadWatch | null = null;
  private _tail: string[] = [];
  private _tailRead = false;
  private _search: ISearch | null = null;
  private _searching = false;
}
