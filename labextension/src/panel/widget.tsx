import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { SidePanel } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { AccordionPanel } from '@lumino/widgets';
import * as React from 'react';

import { slmlIcon } from '../icons';
import { isFinal } from '../model/states';
import type { ITransition, WorkspaceModel } from '../model/workspace';
import { stateLabel } from '../state';
import { Banner } from './banner';
import { Endpoints, IEndpointActions } from './endpoints';
import { IJobActions, Jobs } from './jobs';
import { Models } from './models';
import { Section } from './section';

export interface IPanelOptions {
  model: WorkspaceModel;
  translator: ITranslator;
  trans: TranslationBundle;
  jobs: IJobActions;
  endpoints: IEndpointActions;
}

/** The side panel. Showing it starts the workspace, once; after that it only watches. */
export class SlmlPanel extends SidePanel {
  constructor(options: IPanelOptions) {
    super({ translator: options.translator });
    const { model, trans } = options;
    this._model = model;
    this._words = trans;
    this.id = 'slml-panel';
    this.addClass('jp-SlmlPanel');
    this.title.icon = slmlIcon;
    this.title.caption = trans.__('Serverless ML');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Serverless ML'));
    this.header.addWidget(
      new Section(model, () => <Banner model={model} trans={trans} />)
    );
    this._sections = [
      new Section(model, () => (
        <Jobs model={model} actions={options.jobs} trans={trans} />
      )),
      new Section(model, () => <Models model={model} trans={trans} />),
      new Section(model, () => (
        <Endpoints model={model} actions={options.endpoints} trans={trans} />
      ))
    ];
    this._sections.forEach(section => this.addWidget(section));
    (this.content as AccordionPanel).setRelativeSizes([4, 2, 2]);
    this._voice.className = 'jp-SlmlPanel-voice';
    this._voice.setAttribute('role', 'status');
    this._voice.setAttribute('aria-live', 'polite');
    this.node.appendChild(this._voice);
    model.changed.connect(this._onChanged, this);
    model.moved.connect(this._onMoved, this);
    this._onChanged();
  }

  protected onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._wanted = true;
    this._onChanged();
  }

  private _onChanged(): void {
    const { jobs, models, endpoints, phase } = this._model;
    const counts = [jobs.total, models.length, endpoints.length];
    const names = [
      this._words.__('Jobs'),
      this._words.__('Models'),
      this._words.__('Endpoints')
    ];
    this._sections.forEach((section, index) => {
      const count = counts[index];
      section.title.label =
        count > 0 ? `${names[index]} (${count})` : names[index];
    });
    if (this._wanted && phase !== 'connecting') {
      this._wanted = false;
      if (phase === 'absent') {
        void this._model.start();
      }
    }
  }

  /** Ends are announced to screen readers; the steps between are not. */
  private _onMoved(_: WorkspaceModel, { job }: ITransition): void {
    if (isFinal(job.state)) {
      this._voice.textContent = this._words.__(
        'Job %1: %2',
        job.name,
        stateLabel(job.state, this._words)
      );
    }
  }

  private _model: WorkspaceModel;
  private _words: TranslationBundle;
  private _sections: Section[];
  private _voice = document.createElement('div');
  private _wanted = false;
}
