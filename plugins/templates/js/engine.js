// Says how much of the page is ink. Replace `recognize` by something that reads.
import { log, cancelled } from 'untxt:ocr/host@0.1.0';

const word = (text) => ({ text, bounds: undefined, confidence: undefined });

export const engine = {
  describe() {
    return {
      id: 'NAME',
      version: '0.1.0',
      languages: [],
      deterministic: true,
      settingsSchema: '{"type":"object","additionalProperties":false}',
      attributes: [],
    };
  },

  // Throw a failure, { code, message, attributes: [] }, for options that can't be used.
  check(_options) {},

  // Throw { tag: 'permanent', val: failure } or { tag: 'retryable', val: { failure } }
  // when there is no answer.
  recognize(page, _options) {
    const { width, height } = page.info();
    const bitmap = page.pixels({ x: 0, y: 0, width, height }, 'luma8', 500);
    if (cancelled()) throw { tag: 'cancelled' };
    let dark = 0;
    for (const value of bitmap.data) if (value < 128) dark += 1;
    log('info', `${dark} of ${bitmap.data.length} pixels are dark`);
    const percent = Math.floor((dark * 100) / bitmap.data.length);
    const line = { bounds: undefined, words: [word('ink:'), word(`${percent}%`)] };
    return {
      blocks: [{ role: 'paragraph', bounds: undefined, lines: [line], attributes: [] }],
      html: undefined,
      language: undefined,
      confidence: undefined,
      attributes: [['confidence-kind', 'none'], ['finish-reason', 'stop']],
    };
  },
};
