/* Says how much of the page is ink. Replace `recognize` by something that reads.
 * gen/ocr_engine.h, which `untxt plugin build` writes, has all types. What is
 * given to a function is its own to free; what it returns, the caller frees. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ocr_engine.h"

void exports_untxt_ocr_engine_describe(exports_untxt_ocr_engine_description_t *ret) {
  memset(ret, 0, sizeof *ret);
  ocr_engine_string_dup(&ret->id, "NAME");
  ocr_engine_string_dup(&ret->version, "0.1.0");
  ocr_engine_string_dup(&ret->settings_schema, "{\"type\":\"object\",\"additionalProperties\":false}");
  ret->deterministic = true;
}

bool exports_untxt_ocr_engine_check(exports_untxt_ocr_engine_options_t *options,
                                    exports_untxt_ocr_engine_failure_t *err) {
  (void)err;
  exports_untxt_ocr_engine_options_free(options);
  return true;
}

static void log_line(const char *text) {
  ocr_engine_string_t line;
  ocr_engine_string_set(&line, text);
  untxt_ocr_host_log(UNTXT_OCR_HOST_LEVEL_INFO, &line);
}

/* A block of one line of two words. */
static void answer(exports_untxt_ocr_engine_page_text_t *ret, const char *first, const char *second) {
  memset(ret, 0, sizeof *ret);
  untxt_ocr_types_block_t *block = calloc(1, sizeof *block);
  untxt_ocr_types_line_t *line = calloc(1, sizeof *line);
  untxt_ocr_types_word_t *words = calloc(2, sizeof *words);
  ocr_engine_string_dup(&words[0].text, first);
  ocr_engine_string_dup(&words[1].text, second);
  line->words.ptr = words;
  line->words.len = 2;
  ocr_engine_string_dup(&block->role, "paragraph");
  block->lines.ptr = line;
  block->lines.len = 1;
  ret->blocks.ptr = block;
  ret->blocks.len = 1;
}

static bool read_page(untxt_ocr_pages_borrow_page_t page, exports_untxt_ocr_engine_page_text_t *ret,
                      exports_untxt_ocr_engine_error_t *err) {
  untxt_ocr_pages_info_t info;
  untxt_ocr_pages_method_page_info(page, &info);
  untxt_ocr_pages_rect_t whole = {0, 0, info.width, info.height};
  untxt_ocr_pages_bitmap_t bitmap;
  untxt_ocr_pages_failure_t failure;
  if (!untxt_ocr_pages_method_page_pixels(page, &whole, UNTXT_OCR_TYPES_PIXEL_FORMAT_LUMA8, 1000, &bitmap,
                                          &failure)) {
    err->tag = UNTXT_OCR_TYPES_ERROR_PERMANENT;
    err->val.permanent = failure;
    return false;
  }
  if (untxt_ocr_host_cancelled()) {
    untxt_ocr_pages_bitmap_free(&bitmap);
    err->tag = UNTXT_OCR_TYPES_ERROR_CANCELLED;
    return false;
  }
  size_t dark = 0;
  for (size_t at = 0; at < bitmap.data.len; at++) dark += bitmap.data.ptr[at] < 128;
  char text[64];
  snprintf(text, sizeof text, "%zu of %zu pixels are dark", dark, bitmap.data.len);
  log_line(text);
  snprintf(text, sizeof text, "%zu%%", dark * 100 / bitmap.data.len);
  answer(ret, "ink:", text);
  untxt_ocr_pages_bitmap_free(&bitmap);
  return true;
}

bool exports_untxt_ocr_engine_recognize(untxt_ocr_pages_borrow_page_t page,
                                        exports_untxt_ocr_engine_options_t *options,
                                        exports_untxt_ocr_engine_page_text_t *ret,
                                        exports_untxt_ocr_engine_error_t *err) {
  exports_untxt_ocr_engine_options_free(options);
  bool read = read_page(page, ret, err);
  /* A page that is kept after the call is a crash. */
  untxt_ocr_pages_page_drop_borrow(page);
  return read;
}
