import { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

/** One small button at the end of a row. */
export function RowAction(props: {
  icon: LabIcon;
  label: string;
  onClick: () => void;
}): React.ReactElement {
  return (
    <button
      type="button"
      className="jp-SlmlRow-action"
      aria-label={props.label}
      title={props.label}
      onClick={props.onClick}
    >
      <props.icon.react tag="span" elementSize="normal" />
    </button>
  );
}

/** Two lines of a list: what it is, and how it is. */
export function Row(props: {
  icon?: React.ReactNode;
  title: string;
  aside: string;
  detail: string;
  /** Shown in full on hover: the detail line is one line and may be cut. */
  hover?: string;
  failed?: boolean;
  onOpen?: () => void;
  openLabel?: string;
  actions?: React.ReactNode;
  data?: string;
}): React.ReactElement {
  const text = (
    <>
      <span className="jp-SlmlRow-head">
        <span className="jp-SlmlRow-title">{props.title}</span>
        <span className="jp-SlmlRow-aside">{props.aside}</span>
      </span>
      <span
        className={`jp-SlmlRow-detail${props.failed ? ' jp-mod-failed' : ''}`}
      >
        {props.detail}
      </span>
    </>
  );
  return (
    <li className="jp-SlmlRow" data-slml={props.data}>
      <span className="jp-SlmlRow-icon">{props.icon}</span>
      {props.onOpen ? (
        <button
          type="button"
          className="jp-SlmlRow-text"
          aria-label={props.openLabel}
          title={props.hover}
          onClick={props.onOpen}
        >
          {text}
        </button>
      ) : (
        <span className="jp-SlmlRow-text" title={props.hover}>
          {text}
        </span>
      )}
      {props.actions && (
        <span className="jp-SlmlRow-actions">{props.actions}</span>
      )}
    </li>
  );
}
