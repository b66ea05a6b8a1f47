// Posts the page as a PNG to a server and takes each line of its answer for a line of
// text. Make `ask` and `answer` what your server wants and says.
import { send } from 'untxt:ocr/http@0.1.0';

const schema = {
  type: 'object',
  properties: { url: { type: 'string' } },
  additionalProperties: false,
};

export const engine = {
  describe() {
    return {
      id: 'NAME',
      version: '0.1.0',
      languages: [],
      deterministic: false,
      settingsSchema: JSON.stringify(schema),
      attributes: [],
    };
  },

  // Throw a failure, { code, message, attributes: [] }, for options that can't be used.
  check(_options) {},

  recognize(page, options) {
    const { url = 'http://127.0.0.1:8000/ocr' } = JSON.parse(options.settings || '{}');
    return answer(ask(page, url));
  },
};

function ask(page, url) {
  const { width, height } = page.info();
  const body = page.encoded({ x: 0, y: 0, width, height }, 'png', 2000, 0);
  let response;
  try {
    response = send({ method: 'POST', url, headers: [['content-type', 'image/png']], body, timeoutMs: undefined });
  } catch (error) {
    const failure = error.payload;
    if (['unreachable', 'broken', 'timed-out'].includes(failure?.code)) throw transport(failure.code, failure.message);
    throw failure ? { tag: 'permanent', val: failure } : error;
  }
  const { status } = response;
  if (status >= 200 && status < 300) return response;
  const message = `the server answers ${status}`;
  if (status === 429) throw later('rate-limited', message, response);
  if (status === 503) throw later('upstream-busy', message, response);
  if (status === 408 || status >= 500) throw transport('upstream-5xx', message);
  throw { tag: 'permanent', val: { code: 'upstream-4xx', message, attributes: [] } };
}

// Not the page's doing: the host tries again more often.
function transport(code, message) {
  return { tag: 'retryable', val: { failure: { code, message, attributes: [['cause', 'transport']] }, afterMs: undefined } };
}

// Not before the server wants it.
function later(code, message, response) {
  const header = response.headers.find(([name]) => name === 'retry-after');
  const seconds = Number.parseInt(header?.[1] ?? '1', 10) || 1;
  return { tag: 'retryable', val: { failure: { code, message, attributes: [] }, afterMs: BigInt(seconds) * 1000n } };
}

function answer(response) {
  const word = (text) => ({ text, bounds: undefined, confidence: undefined });
  const words = (line) => line.split(/\s+/).filter((text) => text !== '').map(word);
  const lines = new TextDecoder().decode(response.body).split('\n');
  return {
    blocks: [
      {
        role: 'paragraph',
        bounds: undefined,
        lines: lines.map((line) => ({ bounds: undefined, words: words(line) })),
        attributes: [],
      },
    ],
    html: undefined,
    language: undefined,
    confidence: undefined,
    attributes: [['confidence-kind', 'none'], ['finish-reason', 'stop']],
  };
}
