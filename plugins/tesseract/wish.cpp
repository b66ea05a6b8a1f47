#include "wish.h"

#include <cctype>
#include <string>

#include "languages.h"

static std::string joined(const std::vector<std::string> &words) {
  std::string text;
  for (const std::string &word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// `{}` or `{"psm": N}`. No setting is a string, so space is never part of one.
static bool read_settings(const std::string &json, int &psm) {
  std::string compact;
  for (char character : json) {
    if (!isspace(static_cast<unsigned char>(character))) compact += character;
  }
  if (compact == "{}") return true;
  const std::string before = "{\"psm\":";
  if (compact.rfind(before, 0) != 0 || compact.back() != '}') return false;
  const std::string digits = compact.substr(before.size(), compact.size() - before.size() - 1);
  if (digits.empty() || digits.size() > 2 || digits.find_first_not_of("0123456789") != std::string::npos) return false;
  psm = atoi(digits.c_str());
  // 0 and 1 need the legacy engine, and with 2 it reads nothing.
  return psm >= 3 && psm <= 13;
}

bool wish_of(const untxt_ocr_types_options_t &options, Wish &wish, untxt_ocr_types_failure_t &failure) {
  const std::string settings = text_of(options.settings);
  if (!read_settings(settings, wish.psm)) {
    failure =
        failure_of("bad-settings", "settings are {\"psm\": N} with N from 3 to 13, or {}; these are " + settings);
    return false;
  }
  std::vector<std::string> tags, missing;
  for (size_t at = 0; at < options.languages.len; at++) tags.push_back(text_of(options.languages.ptr[at]));
  wish.models = chosen(tags, missing);
  const std::string there = "; there are models for: " + joined(models());
  if (wish.models.empty()) {
    failure = failure_of("no-such-language", "no model for " + (tags.empty() ? "any language" : joined(tags)) + there);
    return false;
  }
  if (!missing.empty()) {
    ocr_engine_string_t line = string_of("no model for " + joined(missing) + there);
    untxt_ocr_host_log(UNTXT_OCR_HOST_LEVEL_WARN, &line);
    ocr_engine_string_free(&line);
  }
  return true;
}
