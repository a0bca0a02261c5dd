import type { SlmlClient } from '../../api/client';
import type { ILogEntry } from '../../api/types';
import { ILogLine, JobLog, LineCutter } from '../log';
import { body } from './body';

function entry(x: string, s: 'out' | 'err' = 'out'): ILogEntry {
  return { q: 1, n: 1, t: 0, s, x };
}

function text(line: ILogLine | null): string | undefined {
  return line?.runs.map(run => run.text).join('');
}

function texts(cutter: LineCutter, ...entries: ILogEntry[]): string[] {
  return entries.flatMap(each =>
    cutter.push(each).whole.map(line => text(line) ?? '')
  );
}

describe('LineCutter', () => {
  it('joins a line that came in parts', () => {
    const cutter = new LineCutter();
    const { whole, open } = cutter.push(entry('one\ntw'));
    expect([whole.map(text), text(open)]).toEqual([['one'], 'tw']);
    expect(texts(cutter, entry('o\n'))).toEqual(['two']);
  });

  it('shows what a progress bar wrote last', () => {
    const cutter = new LineCutter();
    expect(text(cutter.push(entry('10%\r50%')).open)).toBe('50%');
    expect(texts(cutter, entry('\r100%\n'))).toEqual(['100%']);
  });

  it('takes \\r\\n for a line end', () => {
    expect(texts(new LineCutter(), entry('a\r\nb\r\n'))).toEqual(['a', 'b']);
  });

  it('keeps a colour until it is changed, over line ends and pieces', () => {
    const cutter = new LineCutter();
    const first = cutter.push(entry('\u001b[31mred\nstill r'));
    expect(first.whole[0].runs[0].className).toContain('fg1');
    expect(first.open?.runs[0].className).toContain('fg1');
    const { whole } = cutter.push(entry('ed\u001b[0m plain\n'));
    expect(whole[0].runs.map(run => [run.text, run.className])).toEqual([
      ['still red', 'jp-SlmlAnsi jp-SlmlAnsi-fg1'],
      [' plain', '']
    ]);
  });

  it('lets the streams have colours of their own', () => {
    const cutter = new LineCutter();
    cutter.push(entry('\u001b[31mred\n'));
    const { whole } = cutter.push(entry('plain\n', 'err'));
    expect(whole[0].runs[0].className).toBe('');
  });

  it('cuts a line that does not end', () => {
    const { whole, open } = new LineCutter().push(entry('x'.repeat(50_000)));
    expect(whole).toHaveLength(2);
    expect(text(open)).toHaveLength(10_000);
  });

  it('ends a line when the other stream speaks', () => {
    const cutter = new LineCutter();
    cutter.push(entry('half'));
    const { whole } = cutter.push(entry('warning\n', 'err'));
    expect(whole.map(line => [text(line), line.stream])).toEqual([
      ['half', 'out'],
      ['warning', 'err']
    ]);
  });
});

/** One page with an entry at each of the positions. */
function page(...positions: number[]): string {
  const entries = positions.map(q => ({ ...entry(`${q}\n`), q }));
  const last = positions[positions.length - 1];
  const data = JSON.stringify({ entries, last, more: true, done: false });
  return `id: ${last}\nevent: entries\ndata: ${data}\n\n`;
}

describe('JobLog', () => {
  it('reads page after page, and goes on inside a chunk when the stream breaks', async () => {
    // The first three lines of a chunk; positions are as large as the server makes them.
    const first = 1 * 2 ** 43 + 7 * 2 ** 17;
    const bodies = [
      body(page(first + 1, first + 2)),
      body(page(first + 2, first + 3), 'event: done\ndata: {}\n\n')
    ];
    const asked: string[] = [];
    const client = {
      stream: async (path: string) => {
        asked.push(path);
        return bodies.shift()!;
      }
    } as unknown as SlmlClient;
    const log = new JobLog(client, 'job-1');
    const seen: number[] = [];
    log.received.connect((_, entries) => seen.push(...entries.map(e => e.q)));
    await new Promise<void>(resolve => {
      log.done.connect(() => resolve());
      log.connect();
    });
    expect(seen).toEqual([first + 1, first + 2, first + 3]);
    expect(asked.map(path => path.split('=')[1])).toEqual([
      '0',
      String(first + 2)
    ]);
  });
});
