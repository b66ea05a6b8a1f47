// What Tesseract found, as the contract has it.
#pragma once

#include "contract.h"
#include "tesseract/baseapi.h"

// The paragraphs of the page that `api` has read, in reading order, each a block. Words without a letter are left out,
// and so is what is then empty. Boxes lie on the page of `info`.
untxt_ocr_types_page_text_t answer_of(tesseract::TessBaseAPI &api, const untxt_ocr_pages_info_t &info);
