import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { AnsiReader, nodes } from '../ansi';
import type { SlmlClient } from '../api/client';
import type { ILogEntry } from '../api/types';
import { ILogLine, JobLog, LineCutter } from '../model/log';

/** So many lines stay on the page; older ones are in the log itself. */
const MOST_LINES = 20_000;

/** The text of a log, live. It follows the end unless the reader has scrolled away from it. */
export class LogView extends Widget {
  constructor(
    client: SlmlClient,
    readonly job: string,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-SlmlLog');
    this.node.tabIndex = 0;
    // On the lines, for Lab gives the node of a main area widget a role of its own.
    this._lines.setAttribute('role', 'log');
    this._lines.setAttribute('aria-label', _trans.__('Log of job %1', job));
    this._note.className = 'jp-SlmlLog-note';
    this._note.textContent = _trans.__('No output yet.');
    this._lines.className = 'jp-SlmlLog-lines';
    this.node.append(this._note, this._lines);
    this._log = new JobLog(client, job);
    this._log.received.connect(this._onEntries, this);
    this._log.done.connect(this._onDone, this);
    this._log.failed.connect(this._onFailed, this);
  }

  dispose(): void {
    this._log.dispose();
    super.dispose();
  }

  /** The user's own exception, below what the job printed. */
  showError(traceback: string): void {
    this._error.className = 'jp-SlmlLog-error';
    this._error.replaceChildren(...nodes(new AnsiReader().read(traceback)));
    this._keepEnd(() => this.node.append(this._error));
  }

  protected onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    if (!this._connected) {
      this._connected = true;
      this._log.connect();
    }
  }

  private _onEntries(_: JobLog, entries: ILogEntry[]): void {
    this._keepEnd(() => {
      this._note.textContent = '';
      const fresh = document.createDocumentFragment();
      let open: ILogLine | null = null;
      for (const entry of entries) {
        const cut = this._cutter.push(entry);
        cut.whole.forEach(line => fresh.append(node(line)));
        open = cut.open;
      }
      this._open?.remove();
      this._open = open ? node(open) : null;
      if (this._open) {
        fresh.append(this._open);
      }
      this._lines.append(fresh);
      this._forget();
    });
  }

  private _forget(): void {
    const extra = this._lines.childElementCount - MOST_LINES;
    for (let count = 0; count < extra; count++) {
      this._lines.firstElementChild?.remove();
    }
    if (extra > 0) {
      this._forgotten += extra;
      this._note.textContent = this._trans.__(
        '%1 earlier lines are not shown.',
        this._forgotten
      );
    }
  }

  private _onDone(): void {
    if (this._lines.childElementCount === 0) {
      this._note.textContent = this._trans.__('The job printed nothing.');
    }
  }

  private _onFailed(_: JobLog, error: unknown): void {
    if (this._lines.childElementCount === 0) {
      this._note.textContent =
        error instanceof Error ? error.message : String(error);
    }
  }

  private _keepEnd(change: () => void): void {
    const { scrollHeight, scrollTop, clientHeight } = this.node;
    const atEnd = scrollHeight - scrollTop - clientHeight < 24;
    change();
    if (atEnd) {
      this.node.scrollTop = this.node.scrollHeight;
    }
  }

  private _connected = false;
  private _forgotten = 0;
  private _open: HTMLElement | null = null;
  private _cutter = new LineCutter();
  private _note = document.createElement('div');
  private _lines = document.createElement('div');
  private _error = document.createElement('pre');
  private _log: JobLog;
}

function node(line: ILogLine): HTMLElement {
  const element = document.createElement('div');
  element.className =
    line.stream === 'err' ? 'jp-SlmlLog-line jp-mod-err' : 'jp-SlmlLog-line';
  // An empty line still takes its height.
  element.append(
    ...(line.runs.length > 0
      ? nodes(line.runs)
      : [document.createTextNode('\u200b')])
  );
  return element;
}
