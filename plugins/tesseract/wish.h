// What a call asks for besides the page.
#pragma once

#include <string>
#include <vector>

#include "contract.h"

// How Tesseract takes the page apart, as `tesseract --psm` has it: 3, by itself, unless the settings say otherwise.
constexpr int PSM_DEFAULT = 3;

struct Wish {
  // At least one.
  std::vector<std::string> models;
  int psm = PSM_DEFAULT;
};

// Reads `options`, which stay the caller's. What is not there for one language of several is a line of the log.
//
// False and a `failure` with `bad-settings`, or with `no-such-language` when no model is left.
bool wish_of(const untxt_ocr_types_options_t &options, Wish &wish, untxt_ocr_types_failure_t &failure);
