import { AnsiReader, nodes, plain } from '../ansi';

const E = '\u001b';

function looks(text: string) {
  return new AnsiReader()
    .read(text)
    .map(({ text, className }) => [
      text,
      className.replace(/jp-(SlmlAnsi-?|mod-)/g, '').trim()
    ]);
}

describe('AnsiReader', () => {
  it('knows the sixteen colours, bright ones too', () => {
    expect(looks(`${E}[32mgreen${E}[39m no ${E}[94mblue${E}[0m`)).toEqual([
      ['green', 'fg2'],
      [' no ', ''],
      ['blue', 'fg12']
    ]);
  });

  it('adds styles up and ends each by its own code', () => {
    expect(looks(`${E}[1;4;31ma${E}[22mb${E}[24;49mc`)).toEqual([
      ['a', 'bold underline fg1'],
      ['b', 'underline fg1'],
      ['c', 'fg1']
    ]);
  });

  it('knows 256 colours and 24 bits', () => {
    const [cube, grey, exact] = new AnsiReader().read(
      `${E}[38;5;196mr${E}[38;5;232mg${E}[48;2;1;2;3;1mb`
    );
    expect(cube.color).toBe('rgb(255, 0, 0)');
    expect(grey.color).toBe('rgb(8, 8, 8)');
    expect(exact).toMatchObject({ background: 'rgb(1, 2, 3)' });
    expect(exact.className).toContain('bold');
  });

  it('turns colours around', () => {
    expect(looks(`${E}[31;42;7mx`)).toEqual([['x', 'inverse fg2 bg1']]);
  });

  it('drops what only a terminal can do', () => {
    const link = `${E}]8;;http://x${E}\\text${E}]8;;\u0007`;
    expect(plain(`${E}[2K${E}[1A${link}\u0000\u0008\ttab`)).toBe('text\ttab');
    expect(plain(`broken ${E}[31`)).toBe('broken [31');
  });

  it('never makes markup of text', () => {
    const host = document.createElement('div');
    host.append(...nodes(new AnsiReader().read(`${E}[31m<b>x</b>`)));
    expect(host.querySelector('b')).toBeNull();
    expect(host.textContent).toBe('<b>x</b>');
  });
});
