// Packages that ship ES modules only; everything else in node_modules is left untransformed.
const esModules = [
  '@codemirror',
  '@lezer',
  '@marijn',
  '@jupyter',
  '@jupyterlab',
  '@lumino',
  '@microsoft',
  'exenv-es6',
  'lib0',
  'nanoid',
  'vscode-ws-jsonrpc',
  'y-protocols',
  'y-websocket',
  'yjs',
  'color-convert',
  'color-name',
  'color-rgba',
  'style-mod',
  'w3c-keyname',
  'crelt',
  'uuid',
  'lodash-es',
  'marked'
].join('|');

const typescript = ['ts-jest', { tsconfig: 'tsconfig.test.json' }];

module.exports = {
  testEnvironment: 'jsdom',
  roots: ['<rootDir>/labextension/src'],
  testRegex: '/__tests__/.*\\.spec\\.tsx?$',
  transform: { '\\.tsx?$': typescript, '\\.m?js$': typescript },
  transformIgnorePatterns: [`/node_modules/(?!(${esModules})/)`],
  moduleNameMapper: {
    '\\.css$': 'identity-obj-proxy',
    '\\.svg$': '<rootDir>/labextension/src/__tests__/svg.js'
  },
  setupFiles: ['<rootDir>/labextension/src/__tests__/browser.js']
};
