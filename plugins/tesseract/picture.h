// The page as Leptonica holds it.
#pragma once

#include "allheaders.h"
#include "contract.h"

// Tesseract counts pixels in 16 bits.
constexpr uint32_t SIDE_MAX = 32767;

// The page's pixels at its own size: gray ones at 8 bits, coloured ones at 32, as they would be read from a file. The
// caller's to destroy.
//
// Null and a `failure`: `bad-image` when a side has more than SIDE_MAX pixels, or what the host says.
Pix *picture_of(untxt_ocr_pages_borrow_page_t page, const untxt_ocr_pages_info_t &info,
                untxt_ocr_types_failure_t &failure);
