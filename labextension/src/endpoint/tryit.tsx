import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IAnswer, SlmlClient } from '../api/client';
import { sampleBody } from './sample';

const TYPES = ['application/json', 'text/csv'];

/** A form that sends one request to an endpoint, through the Jupyter server, and shows the answer. */
export class TryIt extends ReactWidget {
  constructor(
    private readonly _client: SlmlClient,
    readonly endpoint: string,
    private readonly _model: { name: string; version: number } | null,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-SlmlTry');
  }

  protected render(): React.ReactElement {
    return (
      <Form
        client={this._client}
        endpoint={this.endpoint}
        model={this._model}
        trans={this._trans}
      />
    );
  }
}

function Form(props: {
  client: SlmlClient;
  endpoint: string;
  model: { name: string; version: number } | null;
  trans: TranslationBundle;
}): React.ReactElement {
  const { client, endpoint, model, trans } = props;
  const [body, setBody] = React.useState('[[0]]');
  const [type, setType] = React.useState(TYPES[0]);
  const [busy, setBusy] = React.useState(false);
  const [answer, setAnswer] = React.useState<IAnswer | string | null>(null);

  React.useEffect(() => {
    if (model) {
      void client
        .version(model.name, model.version)
        .then(version => setBody(sampleBody(version)))
        // Without a signature the user writes the body alone.
        .catch(() => undefined);
    }
  }, [client, model]);

  const send = async () => {
    setBusy(true);
    try {
      setAnswer(await client.invoke(endpoint, body, type));
    } catch (error) {
      setAnswer(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <form
      aria-label={trans.__('Try endpoint %1', endpoint)}
      onSubmit={event => {
        event.preventDefault();
        void send();
      }}
    >
      <label>
        {trans.__('Content type')}
        <select value={type} onChange={event => setType(event.target.value)}>
          {TYPES.map(each => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </label>
      <label>
        {trans.__('Body')}
        <textarea
          spellCheck={false}
          value={body}
          onChange={event => setBody(event.target.value)}
        />
      </label>
      <button className="jp-mod-styled jp-mod-accept" disabled={busy}>
        {busy ? trans.__('Waiting …') : trans.__('Send')}
      </button>
      <Answer answer={answer} trans={trans} />
    </form>
  );
}

function Answer(props: {
  answer: IAnswer | string | null;
  trans: TranslationBundle;
}): React.ReactElement | null {
  const { answer, trans } = props;
  if (answer === null) {
    return null;
  }
  if (typeof answer === 'string') {
    return <p role="alert">{answer}</p>;
  }
  return (
    <div role="status">
      <p className={answer.status < 400 ? undefined : 'jp-mod-error'}>
        {trans.__(
          '%1 in %2 ms',
          answer.status,
          Math.round(answer.milliseconds)
        )}
      </p>
      <pre>{pretty(answer.text)}</pre>
    </div>
  );
}

/** JSON on lines of its own; anything else as it is. */
function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
