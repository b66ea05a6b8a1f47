/* Posts the page as a PNG to a server and takes each line of its answer for a line of
 * text. Make `ask` and `answer` what your server wants and says.
 * gen/ocr_engine_http.h, which `untxt plugin build` writes, has all types. What is
 * given to a function is its own to free; what it returns, the caller frees. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ocr_engine_http.h"

#define URL "http://127.0.0.1:8000/ocr"

typedef exports_untxt_ocr_engine_error_t error_t;

static const char *SCHEMA =
    "{\"type\":\"object\",\"properties\":{\"url\":{\"type\":\"string\"}},\"additionalProperties\":false}";

void exports_untxt_ocr_engine_describe(exports_untxt_ocr_engine_description_t *ret) {
  memset(ret, 0, sizeof *ret);
  ocr_engine_http_string_dup(&ret->id, "NAME");
  ocr_engine_http_string_dup(&ret->version, "0.1.0");
  ocr_engine_http_string_dup(&ret->settings_schema, SCHEMA);
}

bool exports_untxt_ocr_engine_check(exports_untxt_ocr_engine_options_t *options,
                                    exports_untxt_ocr_engine_failure_t *err) {
  (void)err;
  exports_untxt_ocr_engine_options_free(options);
  return true;
}

/* The setting `url`, by its quotes: a library that reads JSON does it better. */
static void url_of(const ocr_engine_http_string_t *settings, ocr_engine_http_string_t *url) {
  char *text = calloc(settings->len + 1, 1);
  memcpy(text, settings->ptr, settings->len);
  char *key = strstr(text, "\"url\"");
  char *colon = key ? strchr(key + 5, ':') : NULL;
  char *begin = colon ? strchr(colon, '"') : NULL;
  char *end = begin ? strchr(begin + 1, '"') : NULL;
  if (end) *end = 0;
  ocr_engine_http_string_dup(url, end ? begin + 1 : URL);
  free(text);
}

static bool is(const ocr_engine_http_string_t *text, const char *word) {
  return text->len == strlen(word) && memcmp(text->ptr, word, text->len) == 0;
}

static void permanent(error_t *err, const char *code, const char *message) {
  memset(err, 0, sizeof *err);
  err->tag = UNTXT_OCR_TYPES_ERROR_PERMANENT;
  ocr_engine_http_string_dup(&err->val.permanent.code, code);
  ocr_engine_http_string_dup(&err->val.permanent.message, message);
}

/* It may succeed later, not before so many milliseconds where they are not 0. */
static void retryable(error_t *err, const char *code, const char *message, uint64_t after_ms) {
  memset(err, 0, sizeof *err);
  err->tag = UNTXT_OCR_TYPES_ERROR_RETRYABLE;
  ocr_engine_http_string_dup(&err->val.retryable.failure.code, code);
  ocr_engine_http_string_dup(&err->val.retryable.failure.message, message);
  err->val.retryable.after_ms.is_some = after_ms > 0;
  err->val.retryable.after_ms.val = after_ms;
}

/* Not the page's doing: the host tries again more often. */
static void transport(error_t *err) {
  ocr_engine_http_tuple2_string_string_t *cause = calloc(1, sizeof *cause);
  ocr_engine_http_string_dup(&cause->f0, "cause");
  ocr_engine_http_string_dup(&cause->f1, "transport");
  err->val.retryable.failure.attributes.ptr = cause;
  err->val.retryable.failure.attributes.len = 1;
}

static void unsent(untxt_ocr_http_failure_t *failure, error_t *err) {
  memset(err, 0, sizeof *err);
  if (is(&failure->code, "unreachable") || is(&failure->code, "broken") || is(&failure->code, "timed-out")) {
    err->tag = UNTXT_OCR_TYPES_ERROR_RETRYABLE;
    err->val.retryable.failure = *failure;
    transport(err);
  } else {
    err->tag = UNTXT_OCR_TYPES_ERROR_PERMANENT;
    err->val.permanent = *failure;
  }
}

static uint64_t wanted_ms(const untxt_ocr_http_response_t *response) {
  for (size_t at = 0; at < response->headers.len; at++) {
    char seconds[16] = {0};
    const ocr_engine_http_string_t *value = &response->headers.ptr[at].f1;
    if (!is(&response->headers.ptr[at].f0, "retry-after") || value->len >= sizeof seconds) continue;
    memcpy(seconds, value->ptr, value->len);
    if (atoi(seconds) > 0) return (uint64_t)atoi(seconds) * 1000;
  }
  return 1000;
}

static void refused(const untxt_ocr_http_response_t *response, error_t *err) {
  char message[64];
  int status = response->status;
  snprintf(message, sizeof message, "the server answers %d", status);
  if (status == 429) {
    retryable(err, "rate-limited", message, wanted_ms(response));
  } else if (status == 503) {
    retryable(err, "upstream-busy", message, wanted_ms(response));
  } else if (status == 408 || status >= 500) {
    retryable(err, "upstream-5xx", message, 0);
    transport(err);
  } else {
    permanent(err, "upstream-4xx", message);
  }
}

static bool ask(untxt_ocr_pages_borrow_page_t page, ocr_engine_http_string_t url,
                untxt_ocr_http_response_t *response, error_t *err) {
  untxt_ocr_pages_info_t info;
  untxt_ocr_pages_method_page_info(page, &info);
  untxt_ocr_pages_rect_t whole = {0, 0, info.width, info.height};
  untxt_ocr_http_request_t request;
  memset(&request, 0, sizeof request);
  untxt_ocr_pages_failure_t failure;
  if (!untxt_ocr_pages_method_page_encoded(page, &whole, UNTXT_OCR_TYPES_IMAGE_ENCODING_PNG, 2000, 0,
                                           &request.body, &failure)) {
    ocr_engine_http_string_free(&url);
    err->tag = UNTXT_OCR_TYPES_ERROR_PERMANENT;
    err->val.permanent = failure;
    return false;
  }
  ocr_engine_http_tuple2_string_string_t *type = calloc(1, sizeof *type);
  ocr_engine_http_string_dup(&type->f0, "content-type");
  ocr_engine_http_string_dup(&type->f1, "image/png");
  request.headers.ptr = type;
  request.headers.len = 1;
  ocr_engine_http_string_dup(&request.method, "POST");
  request.url = url;
  bool sent = untxt_ocr_http_send(&request, response, &failure);
  untxt_ocr_http_request_free(&request);
  if (!sent) {
    unsent(&failure, err);
    return false;
  }
  if (response->status >= 200 && response->status < 300) return true;
  refused(response, err);
  untxt_ocr_http_response_free(response);
  return false;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static void add_word(untxt_ocr_types_line_t *line, const char *text, size_t length) {
  line->words.ptr = realloc(line->words.ptr, (line->words.len + 1) * sizeof *line->words.ptr);
  untxt_ocr_types_word_t *word = &line->words.ptr[line->words.len++];
  memset(word, 0, sizeof *word);
  ocr_engine_http_string_dup_n(&word->text, text, length);
}

/* A block with a line for each line, and in it a word for each word. */
static void answer(const untxt_ocr_http_response_t *response, exports_untxt_ocr_engine_page_text_t *ret) {
  memset(ret, 0, sizeof *ret);
  untxt_ocr_types_block_t *block = calloc(1, sizeof *block);
  ocr_engine_http_string_dup(&block->role, "paragraph");
  const char *text = (const char *)response->body.ptr, *end = text + response->body.len;
  while (text < end) {
    block->lines.ptr = realloc(block->lines.ptr, (block->lines.len + 1) * sizeof *block->lines.ptr);
    untxt_ocr_types_line_t *line = &block->lines.ptr[block->lines.len++];
    memset(line, 0, sizeof *line);
    for (; text < end && *text != '\n'; text++) {
      const char *word = text;
      while (text < end && *text != '\n' && !is_space(*text)) text++;
      if (text > word) add_word(line, word, text - word);
      if (text == end || *text == '\n') break;
    }
    text++;
  }
  ret->blocks.ptr = block;
  ret->blocks.len = 1;
}

bool exports_untxt_ocr_engine_recognize(untxt_ocr_pages_borrow_page_t page,
                                        exports_untxt_ocr_engine_options_t *options,
                                        exports_untxt_ocr_engine_page_text_t *ret, error_t *err) {
  ocr_engine_http_string_t url;
  url_of(&options->settings, &url);
  exports_untxt_ocr_engine_options_free(options);
  untxt_ocr_http_response_t response;
  bool answered = ask(page, url, &response, err);
  if (answered) {
    answer(&response, ret);
    untxt_ocr_http_response_free(&response);
  }
  /* A page that is kept after the call is a crash. */
  untxt_ocr_pages_page_drop_borrow(page);
  return answered;
}
