// What most of the time goes into: a matrix of int8 times a vector.
#pragma once

namespace tesseract {
struct IntSimdMatrix;
}

// For `tesseract::IntSimdMatrix::intSimdMatrix`, before a model is loaded. It gives the very numbers that the kernels
// of the native library do: sums and bias are integers, and only they are scaled.
extern const tesseract::IntSimdMatrix kernel;
