#include "answer.h"

#include <algorithm>
#include <map>
#include <memory>

#include "languages.h"
#include "tesseract/resultiterator.h"

using tesseract::PageIteratorLevel;
using tesseract::ResultIterator;

namespace {

struct Line {
  untxt_ocr_types_option_rect_t bounds;
  std::vector<untxt_ocr_types_word_t> words;
};

struct Paragraph {
  const char *role;
  untxt_ocr_types_option_rect_t bounds;
  std::vector<Line> lines;
};

untxt_ocr_types_option_rect_t bounds_of(const ResultIterator &at, PageIteratorLevel level,
                                        const untxt_ocr_pages_info_t &info) {
  const int width = info.width, height = info.height;
  int left, top, right, bottom;
  if (!at.BoundingBox(level, &left, &top, &right, &bottom)) return {false, {}};
  left = std::clamp(left, 0, width), right = std::clamp(right, left, width);
  top = std::clamp(top, 0, height), bottom = std::clamp(bottom, top, height);
  return {true,
          {static_cast<uint32_t>(left), static_cast<uint32_t>(top), static_cast<uint32_t>(right - left),
           static_cast<uint32_t>(bottom - top)}};
}

const char *role_of(tesseract::PolyBlockType type) {
  switch (type) {
  case tesseract::PT_HEADING_TEXT:
    return "heading";
  case tesseract::PT_CAPTION_TEXT:
    return "caption";
  case tesseract::PT_TABLE:
    return "table";
  default:
    return "paragraph";
  }
}

bool blank(const char *text) { return text == nullptr || strspn(text, " \t\n") == strlen(text); }

// Of all words together.
struct Tally {
  size_t words = 0;
  float confidences = 0;
  std::map<std::string, size_t> models;
};

std::vector<Paragraph> paragraphs_of(ResultIterator &at, const untxt_ocr_pages_info_t &info, Tally &tally) {
  std::vector<Paragraph> paragraphs;
  do {
    if (at.Empty(tesseract::RIL_WORD)) continue;
    if (paragraphs.empty() || at.IsAtBeginningOf(tesseract::RIL_PARA)) {
      paragraphs.push_back({role_of(at.BlockType()), bounds_of(at, tesseract::RIL_PARA, info), {}});
    }
    std::vector<Line> &lines = paragraphs.back().lines;
    if (lines.empty() || at.IsAtBeginningOf(tesseract::RIL_TEXTLINE)) {
      lines.push_back({bounds_of(at, tesseract::RIL_TEXTLINE, info), {}});
    }
    const std::unique_ptr<char[]> text(at.GetUTF8Text(tesseract::RIL_WORD));
    if (blank(text.get())) continue;
    const float confidence = std::clamp(at.Confidence(tesseract::RIL_WORD) / 100, 0.0f, 1.0f);
    lines.back().words.push_back(
        {string_of(text.get()), bounds_of(at, tesseract::RIL_WORD, info), {true, confidence}});
    tally.words++;
    tally.confidences += confidence;
    if (const char *model = at.WordRecognitionLanguage()) tally.models[model]++;
  } while (at.Next(tesseract::RIL_WORD));
  return paragraphs;
}

} // namespace

untxt_ocr_types_page_text_t answer_of(tesseract::TessBaseAPI &api, const untxt_ocr_pages_info_t &info) {
  Tally tally;
  std::vector<untxt_ocr_types_block_t> blocks;
  // There is none when nothing was found.
  if (const std::unique_ptr<ResultIterator> at{api.GetIterator()}) {
    for (const Paragraph &paragraph : paragraphs_of(*at, info, tally)) {
      std::vector<untxt_ocr_types_line_t> lines;
      for (const Line &line : paragraph.lines) {
        if (line.words.empty()) continue;
        lines.push_back({line.bounds, list_of<untxt_ocr_types_list_word_t>(line.words)});
      }
      if (lines.empty()) continue;
      blocks.push_back(
          {string_of(paragraph.role), paragraph.bounds, list_of<untxt_ocr_types_list_line_t>(lines), {nullptr, 0}});
    }
  }
  untxt_ocr_types_page_text_t answer = {};
  answer.blocks = list_of<untxt_ocr_types_list_block_t>(blocks);
  if (tally.words > 0) answer.confidence = {true, tally.confidences / tally.words};
  const auto most = std::max_element(tally.models.begin(), tally.models.end(),
                                     [](const auto &one, const auto &other) { return one.second < other.second; });
  if (most != tally.models.end()) answer.language = {true, string_of(tag_of(most->first))};
  const std::vector<ocr_engine_tuple2_string_string_t> attributes = {
      {string_of("confidence-kind"), string_of("uncalibrated")}};
  answer.attributes = list_of<untxt_ocr_types_attributes_t>(attributes);
  return answer;
}
