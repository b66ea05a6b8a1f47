/* Has the host compute a model: how much of the page is ink. Replace the model, and
 * what `compute` makes of its outputs.
 * gen/ocr_engine_models.h, which `untxt plugin build` writes, has all types. What is
 * given to a function is its own to free; what it returns, the caller frees. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ocr_engine_models.h"

void exports_untxt_ocr_engine_describe(exports_untxt_ocr_engine_description_t *ret) {
  memset(ret, 0, sizeof *ret);
  ocr_engine_models_string_dup(&ret->id, "NAME");
  ocr_engine_models_string_dup(&ret->version, "0.1.0");
  ocr_engine_models_string_dup(&ret->settings_schema, "{\"type\":\"object\",\"additionalProperties\":false}");
  ret->deterministic = true;
}

bool exports_untxt_ocr_engine_check(exports_untxt_ocr_engine_options_t *options,
                                    exports_untxt_ocr_engine_failure_t *err) {
  (void)err;
  exports_untxt_ocr_engine_options_free(options);
  return true;
}

/* A block of one line of two words. */
static void answer(exports_untxt_ocr_engine_page_text_t *ret, const char *first, const char *second) {
  memset(ret, 0, sizeof *ret);
  untxt_ocr_types_block_t *block = calloc(1, sizeof *block);
  untxt_ocr_types_line_t *line = calloc(1, sizeof *line);
  untxt_ocr_types_word_t *words = calloc(2, sizeof *words);
  ocr_engine_models_string_dup(&words[0].text, first);
  ocr_engine_models_string_dup(&words[1].text, second);
  line->words.ptr = words;
  line->words.len = 2;
  ocr_engine_models_string_dup(&block->role, "paragraph");
  block->lines.ptr = line;
  block->lines.len = 1;
  ret->blocks.ptr = block;
  ret->blocks.len = 1;
}

/* The sum of the model's first output for the bitmap's darkness, 0 to 1. */
static bool compute(const untxt_ocr_pages_bitmap_t *bitmap, float *sum, untxt_ocr_inference_failure_t *failure) {
  ocr_engine_models_string_t name;
  ocr_engine_models_string_set(&name, "model.onnx");
  untxt_ocr_inference_own_graph_t graph;
  if (!untxt_ocr_inference_load_by_name(&name, &graph, failure)) return false;

  float *darkness = malloc(bitmap->data.len * sizeof *darkness);
  for (size_t at = 0; at < bitmap->data.len; at++) darkness[at] = 1 - bitmap->data.ptr[at] / 255.0f;
  uint32_t dimensions[] = {1, 1, bitmap->height, bitmap->width};
  untxt_ocr_inference_named_tensor_t image = {
      .f1 = {.dimensions = {dimensions, 4},
             .ty = UNTXT_OCR_INFERENCE_TENSOR_TYPE_FP32,
             .data = {(uint8_t *)darkness, bitmap->data.len * sizeof *darkness}}};
  ocr_engine_models_string_set(&image.f0, "image");
  untxt_ocr_inference_list_named_tensor_t inputs = {&image, 1}, outputs;
  bool computed = untxt_ocr_inference_method_graph_compute(untxt_ocr_inference_borrow_graph(graph), &inputs,
                                                           &outputs, failure);
  free(darkness);
  untxt_ocr_inference_graph_drop_own(graph);
  if (!computed) return false;

  *sum = 0;
  untxt_ocr_inference_tensor_t *first = &outputs.ptr[0].f1;
  for (size_t at = 0; at < first->data.len / sizeof(float); at++) *sum += ((float *)first->data.ptr)[at];
  untxt_ocr_inference_list_named_tensor_free(&outputs);
  return true;
}

static bool read_page(untxt_ocr_pages_borrow_page_t page, exports_untxt_ocr_engine_page_text_t *ret,
                      exports_untxt_ocr_engine_error_t *err) {
  untxt_ocr_pages_info_t info;
  untxt_ocr_pages_method_page_info(page, &info);
  untxt_ocr_pages_rect_t whole = {0, 0, info.width, info.height};
  untxt_ocr_pages_bitmap_t bitmap;
  err->tag = UNTXT_OCR_TYPES_ERROR_PERMANENT;
  if (!untxt_ocr_pages_method_page_pixels(page, &whole, UNTXT_OCR_TYPES_PIXEL_FORMAT_LUMA8, 1000, &bitmap,
                                          &err->val.permanent)) {
    return false;
  }
  float mean;
  bool computed = compute(&bitmap, &mean, &err->val.permanent);
  untxt_ocr_pages_bitmap_free(&bitmap);
  if (!computed) return false;
  char text[64];
  snprintf(text, sizeof text, "%.0f%%", mean * 100);
  answer(ret, "ink:", text);
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
