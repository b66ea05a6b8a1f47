// Tesseract as an engine: what the contract wants exported.

#include <algorithm>
#include <memory>

#include "answer.h"
#include "contract.h"
#include "intsimdmatrix.h"
#include "kernel.h"
#include "languages.h"
#include "picture.h"
#include "tesseract/baseapi.h"
#include "tesseract/ocrclass.h"
#include "wish.h"

static const char SETTINGS_SCHEMA[] =
    R"({"type":"object","additionalProperties":false,"properties":{"psm":{"type":"integer","minimum":3,"maximum":13,)"
    R"("default":3,"description":"Page segmentation mode, as tesseract --psm has it. 3 finds columns and blocks, )"
    R"(4 is one column, 6 one block, 7 one line, 8 one word, 11 text wherever there is any"}}})";

// What Tesseract was trained for; a scan of less is not scaled up.
static const char PAGE_DPI[] = "300";

void exports_untxt_ocr_engine_describe(exports_untxt_ocr_engine_description_t *ret) {
  std::vector<ocr_engine_string_t> languages;
  for (const std::string &model : models()) languages.push_back(string_of(tag_of(model)));
  *ret = {};
  ret->id = string_of("tesseract");
  ret->version = string_of(tesseract::TessBaseAPI::Version());
  ret->languages = list_of<ocr_engine_list_string_t>(languages);
  ret->deterministic = true;
  ret->settings_schema = string_of(SETTINGS_SCHEMA);
  const std::vector<ocr_engine_tuple2_string_string_t> attributes = {{string_of("page-dpi"), string_of(PAGE_DPI)}};
  ret->attributes = list_of<untxt_ocr_types_attributes_t>(attributes);
}

bool exports_untxt_ocr_engine_check(exports_untxt_ocr_engine_options_t *options,
                                    exports_untxt_ocr_engine_failure_t *err) {
  Wish wish;
  const bool usable = wish_of(*options, wish, *err);
  exports_untxt_ocr_engine_options_free(options);
  return usable;
}

// Gives Tesseract the asset `eng` for the path `models/eng.traineddata`.
static bool read_model(const char *path, std::vector<char> *data) {
  std::string name = path;
  name = name.substr(name.rfind('/') + 1);
  name = name.substr(0, name.rfind(".traineddata"));
  ocr_engine_string_t asset = {reinterpret_cast<uint8_t *>(name.data()), name.size()};
  ocr_engine_list_u8_t bytes;
  untxt_ocr_assets_failure_t failure;
  if (!untxt_ocr_assets_read(&asset, &bytes, &failure)) {
    untxt_ocr_types_failure_free(&failure);
    return false;
  }
  data->assign(bytes.ptr, bytes.ptr + bytes.len);
  ocr_engine_list_u8_free(&bytes);
  // It looks at the first byte before it looks how many there are.
  return !data->empty();
}

// Tesseract says how far it is after each word; a part of the page may be read a second time.
static bool report(tesseract::ETEXT_DESC *monitor, int, int, int, int) {
  static int percent = -1;
  if (monitor->progress > percent) {
    percent = monitor->progress;
    ocr_engine_string_t note = {nullptr, 0};
    untxt_ocr_host_progress(std::min(percent, 100) / 100.0f, &note);
  }
  return true;
}

static bool cancelled(void *, int) { return untxt_ocr_host_cancelled(); }

static exports_untxt_ocr_engine_error_t permanent(const untxt_ocr_types_failure_t &failure) {
  exports_untxt_ocr_engine_error_t error = {};
  error.tag = UNTXT_OCR_TYPES_ERROR_PERMANENT;
  error.val.permanent = failure;
  return error;
}

static bool read_page(untxt_ocr_pages_borrow_page_t page, const exports_untxt_ocr_engine_options_t &options,
                      exports_untxt_ocr_engine_page_text_t *ret, exports_untxt_ocr_engine_error_t *err) {
  Wish wish;
  untxt_ocr_types_failure_t failure;
  if (!wish_of(options, wish, failure)) {
    *err = permanent(failure);
    return false;
  }
  untxt_ocr_pages_info_t info;
  untxt_ocr_pages_method_page_info(page, &info);
  Pix *picture = picture_of(page, info, failure);
  if (picture == nullptr) {
    *err = permanent(failure);
    return false;
  }

  std::string names;
  for (const std::string &model : wish.models) names += (names.empty() ? "" : "+") + model;
  tesseract::TessBaseAPI api;
  tesseract::IntSimdMatrix::intSimdMatrix = &kernel;
  if (api.Init("models", 0, names.c_str(), tesseract::OEM_LSTM_ONLY, nullptr, 0, nullptr, nullptr, false, read_model)) {
    pixDestroy(&picture);
    *err = permanent(failure_of("bad-model", "Tesseract can't use the models " + names));
    return false;
  }
  api.SetPageSegMode(static_cast<tesseract::PageSegMode>(wish.psm));
  api.SetImage(picture);
  pixDestroy(&picture);
  tesseract::ETEXT_DESC monitor;
  monitor.progress_callback2 = report;
  monitor.cancel = cancelled;
  if (api.Recognize(&monitor) != 0) {
    if (untxt_ocr_host_cancelled()) {
      err->tag = UNTXT_OCR_TYPES_ERROR_CANCELLED;
    } else {
      *err = permanent(failure_of("engine-failure", "Tesseract gave the page up"));
    }
    return false;
  }
  *ret = answer_of(api, info);
  return true;
}

bool exports_untxt_ocr_engine_recognize(untxt_ocr_pages_borrow_page_t page,
                                        exports_untxt_ocr_engine_options_t *options,
                                        exports_untxt_ocr_engine_page_text_t *ret,
                                        exports_untxt_ocr_engine_error_t *err) {
  // Its messages go where nobody reads them.
  setMsgSeverity(L_SEVERITY_NONE);
  const bool read = read_page(page, *options, ret, err);
  exports_untxt_ocr_engine_options_free(options);
  // A page that is kept after the call is a crash.
  untxt_ocr_pages_page_drop_borrow(page);
  return read;
}
