// What JupyterLab's packages expect of a browser and jsdom does not have.
const { TextDecoder, TextEncoder } = require('util');

class ResizeObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}

Object.assign(globalThis, {
  TextDecoder,
  TextEncoder,
  ResizeObserver,
  DragEvent: class DragEvent extends Event {},
  fetch: () => Promise.reject(new TypeError('no network in unit tests')),
  Headers: class Headers {},
  Request: class Request {},
  Response: class Response {},
  matchMedia: () => ({
    matches: false,
    addEventListener() {},
    removeEventListener() {}
  })
});
