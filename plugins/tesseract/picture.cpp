#include "picture.h"

#include <algorithm>

// Pixels that are asked for at once: the page is never here twice.
static constexpr uint32_t BAND_PIXELS = 1 << 18;

static bool gray(const uint8_t *rgb, size_t pixels) {
  for (const uint8_t *end = rgb + 3 * pixels; rgb < end; rgb += 3) {
    if (rgb[0] != rgb[1] || rgb[1] != rgb[2]) return false;
  }
  return true;
}

static void write_row(Pix *pix, uint32_t y, const uint8_t *rgb, uint32_t width) {
  l_uint32 *row = pixGetData(pix) + static_cast<size_t>(y) * pixGetWpl(pix);
  if (pixGetDepth(pix) == 8) {
    for (uint32_t x = 0; x < width; x++) SET_DATA_BYTE(row, x, rgb[3 * x]);
  } else {
    for (uint32_t x = 0; x < width; x++) composeRGBPixel(rgb[3 * x], rgb[3 * x + 1], rgb[3 * x + 2], row + x);
  }
}

Pix *picture_of(untxt_ocr_pages_borrow_page_t page, const untxt_ocr_pages_info_t &info,
                untxt_ocr_types_failure_t &failure) {
  const uint32_t width = info.width, height = info.height;
  if (std::max(width, height) > SIDE_MAX) {
    failure = failure_of("bad-image", "a side of more than " + std::to_string(SIDE_MAX) + " pixels; a lower dpi helps");
    return nullptr;
  }
  Pix *pix = pixCreateNoInit(width, height, 8);
  if (pix == nullptr) abort();
  const uint32_t band = std::max(1u, BAND_PIXELS / width);
  for (uint32_t top = 0; top < height; top += band) {
    untxt_ocr_pages_rect_t area = {0, top, width, std::min(band, height - top)};
    untxt_ocr_pages_bitmap_t bitmap;
    if (!untxt_ocr_pages_method_page_pixels(page, &area, UNTXT_OCR_TYPES_PIXEL_FORMAT_RGB8, 0, &bitmap, &failure)) {
      pixDestroy(&pix);
      return nullptr;
    }
    if (pixGetDepth(pix) == 8 && !gray(bitmap.data.ptr, static_cast<size_t>(width) * area.height)) {
      Pix *coloured = pixConvertTo32(pix);
      if (coloured == nullptr) abort();
      pixDestroy(&pix);
      pix = coloured;
    }
    for (uint32_t y = 0; y < area.height; y++) {
      write_row(pix, top + y, bitmap.data.ptr + static_cast<size_t>(y) * width * 3, width);
    }
    untxt_ocr_pages_bitmap_free(&bitmap);
  }
  pixSetResolution(pix, info.dpi, info.dpi);
  return pix;
}
