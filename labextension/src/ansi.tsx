import * as React from 'react';

/** A stretch of text in one look. */
export interface IRun {
  text: string;
  className: string;
  /** Colours beyond the sixteen that have a class. */
  color?: string;
  background?: string;
}

/** What the codes so far have set; colours are a palette number 0 to 15 or a CSS colour. */
interface ILook {
  fg: number | string | null;
  bg: number | string | null;
  marks: ReadonlySet<string>;
}

const PLAIN: ILook = { fg: null, bg: null, marks: new Set() };

const MARKS: Record<number, string> = {
  1: 'bold',
  2: 'dim',
  3: 'italic',
  4: 'underline',
  7: 'inverse',
  9: 'strike'
};
/** Code 22 ends bold and dim; the others end their own. */
const ENDS: Record<number, string[]> = {
  22: ['bold', 'dim'],
  23: ['italic'],
  24: ['underline'],
  27: ['inverse'],
  29: ['strike']
};

const ESC = '\u001b';
/** Colour and style codes; other codes of terminals (titles, links, cursor moves); control characters that show nothing. */
const CODES = new RegExp(
  `${ESC}\\[([0-9;:]*)m|${ESC}\\[[0-9;:?<=>]*[ -/]*[@-~]|${ESC}\\][^\\u0007${ESC}]*(?:\\u0007|${ESC}\\\\)?|${ESC}[@-Z\\\\^_c]?|[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001a\\u001c-\\u001f\\u007f]`,
  'g'
);

/** Text without anything meant for a terminal. */
export function plain(text: string): string {
  return text.replace(CODES, '');
}

/** Reads text with the colour codes of terminals; a look lasts until it is changed, over line ends too. */
export class AnsiReader {
  constructor(private _look: ILook = PLAIN) {}

  read(text: string): IRun[] {
    const runs: IRun[] = [];
    let from = 0;
    for (const match of text.matchAll(CODES)) {
      this._write(runs, text.slice(from, match.index));
      if (match[1] !== undefined) {
        this._look = changed(this._look, match[1]);
      }
      from = match.index + match[0].length;
    }
    this._write(runs, text.slice(from));
    return runs;
  }

  /** One that goes on from here without moving this one on. */
  copy(): AnsiReader {
    return new AnsiReader(this._look);
  }

  private _write(runs: IRun[], text: string): void {
    if (text) {
      runs.push({ text, ...drawn(this._look) });
    }
  }
}

function changed(look: ILook, codes: string): ILook {
  const numbers = codes.split(/[;:]/).map(Number);
  let { fg, bg } = look;
  const marks = new Set(look.marks);
  for (let at = 0; at < numbers.length; at++) {
    const code = numbers[at];
    if (code === 0) {
      fg = bg = null;
      marks.clear();
    } else if (MARKS[code]) {
      marks.add(MARKS[code]);
    } else if (ENDS[code]) {
      ENDS[code].forEach(mark => marks.delete(mark));
    } else if (code === 38 || code === 48) {
      const [color, length] = extended(numbers.slice(at + 1));
      at += length;
      fg = code === 38 ? color : fg;
      bg = code === 48 ? color : bg;
    } else if (code === 39) {
      fg = null;
    } else if (code === 49) {
      bg = null;
    } else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) {
      fg = code < 90 ? code - 30 : code - 82;
    } else if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)) {
      bg = code < 100 ? code - 40 : code - 92;
    }
  }
  return { fg, bg, marks };
}

/** The colour after 38 or 48, and how many numbers it takes. */
function extended(numbers: number[]): [number | string | null, number] {
  const [kind, first = 0, second = 0, third = 0] = numbers;
  if (kind === 2) {
    return [`rgb(${first}, ${second}, ${third})`, 4];
  }
  if (kind !== 5) {
    return [null, 1];
  }
  if (first < 16) {
    return [first, 2];
  }
  if (first >= 232) {
    const grey = 8 + 10 * (first - 232);
    return [`rgb(${grey}, ${grey}, ${grey})`, 2];
  }
  const cube = [36, 6, 1].map(unit => Math.floor((first - 16) / unit) % 6);
  return [`rgb(${cube.map(v => (v ? 55 + 40 * v : 0)).join(', ')})`, 2];
}

function drawn(look: ILook): Omit<IRun, 'text'> {
  const inverse = look.marks.has('inverse');
  const fg = inverse ? look.bg : look.fg;
  const bg = inverse ? look.fg : look.bg;
  const names = [...look.marks].map(mark =>
    // Without colours of its own it takes the page's; the class comes before those of the colours.
    mark === 'inverse' ? 'jp-SlmlAnsi-inverse' : `jp-mod-${mark}`
  );
  if (typeof fg === 'number') {
    names.push(`jp-SlmlAnsi-fg${fg}`);
  }
  if (typeof bg === 'number') {
    names.push(`jp-SlmlAnsi-bg${bg}`);
  }
  return {
    className: names.length > 0 ? ['jp-SlmlAnsi', ...names].join(' ') : '',
    ...(typeof fg === 'string' ? { color: fg } : {}),
    ...(typeof bg === 'string' ? { background: bg } : {})
  };
}

/** Text with its colours. */
export function Ansi(props: { text: string }): React.ReactElement {
  return (
    <>
      {new AnsiReader().read(props.text).map((run, index) => (
        <span
          key={index}
          className={run.className || undefined}
          style={{ color: run.color, background: run.background }}
        >
          {run.text}
        </span>
      ))}
    </>
  );
}

/** The same without React, for a log of many lines. */
export function nodes(runs: IRun[]): Node[] {
  return runs.map(run => {
    if (!run.className && !run.color && !run.background) {
      return document.createTextNode(run.text);
    }
    const span = document.createElement('span');
    span.className = run.className;
    span.style.color = run.color ?? '';
    span.style.background = run.background ?? '';
    span.textContent = run.text;
    return span;
  });
}
