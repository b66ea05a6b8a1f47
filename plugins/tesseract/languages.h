// Languages as the contract names them, and models as Tesseract does.
#pragma once

#include <string>
#include <vector>

// The model for a BCP 47 tag: `deu` for `de` and `de-AT`, `chi_tra` for `zh-TW`.
std::string model_of(const std::string &tag);

// The tag of a model's language: `de` for `deu`.
std::string tag_of(const std::string &model);

// Models that the package holds, in the order of their names.
std::vector<std::string> models();

// Those of the models that `tags` ask for, most likely first; all of them when nothing is asked for. `missing` gets the
// tags that have none.
std::vector<std::string> chosen(const std::vector<std::string> &tags, std::vector<std::string> &missing);
