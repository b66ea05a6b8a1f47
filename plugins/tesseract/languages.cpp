#include "languages.h"

#include <algorithm>
#include <cctype>

#include "contract.h"

// ISO 639-1, and the language's ISO 639-2/T code, which Tesseract names most models by.
static const char *const CODES[][2] = {
    {"af", "afr"}, {"am", "amh"}, {"ar", "ara"}, {"as", "asm"}, {"az", "aze"}, {"be", "bel"}, {"bg", "bul"},
    {"bn", "ben"}, {"bo", "bod"}, {"br", "bre"}, {"bs", "bos"}, {"ca", "cat"}, {"co", "cos"}, {"cs", "ces"},
    {"cy", "cym"}, {"da", "dan"}, {"de", "deu"}, {"dv", "div"}, {"dz", "dzo"}, {"el", "ell"}, {"en", "eng"},
    {"eo", "epo"}, {"es", "spa"}, {"et", "est"}, {"eu", "eus"}, {"fa", "fas"}, {"fi", "fin"}, {"fo", "fao"},
    {"fr", "fra"}, {"fy", "fry"}, {"ga", "gle"}, {"gd", "gla"}, {"gl", "glg"}, {"gu", "guj"}, {"he", "heb"},
    {"hi", "hin"}, {"hr", "hrv"}, {"ht", "hat"}, {"hu", "hun"}, {"hy", "hye"}, {"id", "ind"}, {"is", "isl"},
    {"it", "ita"}, {"iu", "iku"}, {"ja", "jpn"}, {"jv", "jav"}, {"ka", "kat"}, {"kk", "kaz"}, {"km", "khm"},
    {"kn", "kan"}, {"ko", "kor"}, {"ku", "kmr"}, {"ky", "kir"}, {"la", "lat"}, {"lb", "ltz"}, {"lo", "lao"},
    {"lt", "lit"}, {"lv", "lav"}, {"mi", "mri"}, {"mk", "mkd"}, {"ml", "mal"}, {"mn", "mon"}, {"mr", "mar"},
    {"ms", "msa"}, {"mt", "mlt"}, {"my", "mya"}, {"nb", "nor"}, {"ne", "nep"}, {"nl", "nld"}, {"nn", "nor"},
    {"no", "nor"}, {"oc", "oci"}, {"or", "ori"}, {"pa", "pan"}, {"pl", "pol"}, {"ps", "pus"}, {"pt", "por"},
    {"qu", "que"}, {"ro", "ron"}, {"ru", "rus"}, {"sa", "san"}, {"sd", "snd"}, {"si", "sin"}, {"sk", "slk"},
    {"sl", "slv"}, {"sq", "sqi"}, {"sr", "srp"}, {"su", "sun"}, {"sv", "swe"}, {"sw", "swa"}, {"ta", "tam"},
    {"te", "tel"}, {"tg", "tgk"}, {"th", "tha"}, {"ti", "tir"}, {"to", "ton"}, {"tr", "tur"}, {"tt", "tat"},
    {"ug", "uig"}, {"uk", "ukr"}, {"ur", "urd"}, {"uz", "uzb"}, {"vi", "vie"}, {"yi", "yid"}, {"yo", "yor"},
};

std::string model_of(const std::string &tag) {
  std::string lower(tag);
  for (char &letter : lower) letter = static_cast<char>(tolower(static_cast<unsigned char>(letter)));
  const std::string language = lower.substr(0, lower.find('-'));
  if (language == "zh") {
    for (const char *traditional : {"-hant", "-tw", "-hk", "-mo"}) {
      if (lower.find(traditional) != std::string::npos) return "chi_tra";
    }
    return "chi_sim";
  }
  for (const auto &code : CODES) {
    if (language == code[0]) return code[1];
  }
  return language;
}

std::string tag_of(const std::string &model) {
  if (model.rfind("chi_sim", 0) == 0) return "zh-Hans";
  if (model.rfind("chi_tra", 0) == 0) return "zh-Hant";
  const std::string language = model.substr(0, model.find('_'));
  for (const auto &code : CODES) {
    if (language == code[1]) return code[0];
  }
  return language;
}

std::vector<std::string> models() {
  ocr_engine_list_string_t names;
  untxt_ocr_assets_names(&names);
  std::vector<std::string> models;
  for (size_t at = 0; at < names.len; at++) models.push_back(text_of(names.ptr[at]));
  ocr_engine_list_string_free(&names);
  return models;
}

std::vector<std::string> chosen(const std::vector<std::string> &tags, std::vector<std::string> &missing) {
  const std::vector<std::string> all = models();
  if (tags.empty()) return all;
  const auto holds = [](const std::vector<std::string> &list, const std::string &item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  };
  std::vector<std::string> chosen;
  for (const std::string &tag : tags) {
    const std::string model = model_of(tag);
    if (!holds(all, model)) {
      missing.push_back(tag);
    } else if (!holds(chosen, model)) {
      chosen.push_back(model);
    }
  }
  return chosen;
}
