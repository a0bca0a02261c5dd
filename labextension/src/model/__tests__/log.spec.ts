import type { ILogEntry } from '../../api/types';
import { LineCutter } from '../log';

function entry(x: string, s: 'out' | 'err' = 'out'): ILogEntry {
  return { q: 1, n: 1, t: 0, s, x };
}

function texts(cutter: LineCutter, ...entries: ILogEntry[]): string[] {
  return entries.flatMap(each =>
    cutter.push(each).whole.map(line => line.text)
  );
}

describe('LineCutter', () => {
  it('joins a line that came in parts', () => {
    const cutter = new LineCutter();
    expect(cutter.push(entry('one\ntw'))).toEqual({
      whole: [{ text: 'one', stream: 'out' }],
      open: { text: 'tw', stream: 'out' }
    });
    expect(texts(cutter, entry('o\n'))).toEqual(['two']);
  });

  it('shows what a progress bar wrote last', () => {
    const cutter = new LineCutter();
    expect(cutter.push(entry('10%\r50%')).open?.text).toBe('50%');
    expect(texts(cutter, entry('\r100%\n'))).toEqual(['100%']);
  });

  it('takes \\r\\n for a line end', () => {
    expect(texts(new LineCutter(), entry('a\r\nb\r\n'))).toEqual(['a', 'b']);
  });

  it('removes the terminal’s colours', () => {
    expect(texts(new LineCutter(), entry('\u001b[31mred\u001b[0m\n'))).toEqual([
      'red'
    ]);
  });

  it('ends a line when the other stream speaks', () => {
    const cutter = new LineCutter();
    cutter.push(entry('half'));
    const { whole } = cutter.push(entry('warning\n', 'err'));
    expect(whole).toEqual([
      { text: 'half', stream: 'out' },
      { text: 'warning', stream: 'err' }
    ]);
  });
});
