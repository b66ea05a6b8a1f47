// The two functions that each number of each layer goes through. Tesseract's header has them call themselves for what is
// below zero, so that no compiler puts them where they are used; these give the same numbers and are put there. They
// come before the header's, which are weak, when all is linked.

#include <cmath>

#include "tesstypes.h"

namespace tesseract {

// Values for 0, 1/256, 2/256...; the last is all but 1.
extern const TFloat TanhTable[];
extern const TFloat LogisticTable[];
static constexpr unsigned STEPS = 4096;

static inline TFloat between_steps(const TFloat *table, TFloat x) {
  x *= 256;
  const unsigned step = static_cast<unsigned>(x);
  if (step >= STEPS - 1) return 1;
  const TFloat at = table[step];
  return at + (table[step + 1] - at) * (x - step);
}

TFloat Tanh(TFloat x) {
  const TFloat y = between_steps(TanhTable, std::fabs(x));
  return x < 0 ? -y : y;
}

TFloat Logistic(TFloat x) {
  const TFloat y = between_steps(LogisticTable, std::fabs(x));
  return x < 0 ? 1 - y : y;
}

} // namespace tesseract
