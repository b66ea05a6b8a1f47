// Values of the contract, from and to values of C++. What is given to an export is its own to free; what it returns,
// the host frees.
#pragma once

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "ocr_engine.h"

inline std::string text_of(const ocr_engine_string_t &string) {
  return std::string(reinterpret_cast<const char *>(string.ptr), string.len);
}

inline ocr_engine_string_t string_of(const std::string &text) {
  ocr_engine_string_t string;
  ocr_engine_string_dup_n(&string, text.data(), text.size());
  return string;
}

// The list of the contract that holds `items`.
template <class List, class Item> List list_of(const std::vector<Item> &items) {
  List list = {nullptr, items.size()};
  if (items.empty()) return list;
  list.ptr = static_cast<Item *>(malloc(items.size() * sizeof(Item)));
  if (list.ptr == nullptr) abort();
  memcpy(list.ptr, items.data(), items.size() * sizeof(Item));
  return list;
}

inline untxt_ocr_types_failure_t failure_of(const char *code, const std::string &message) {
  return {string_of(code), string_of(message), {nullptr, 0}};
}
