#include "kernel.h"

#include <cstddef>
#include <cstdint>

#include <wasm_simd128.h>

#include "intsimdmatrix.h"

using tesseract::TFloat;

// Eight bytes as eight numbers of 16 bits.
static inline v128_t eight(const int8_t *from) { return wasm_i16x8_load8x8(from); }

static inline int32_t sum(v128_t lanes) {
  lanes = wasm_i32x4_add(lanes, wasm_i32x4_shuffle(lanes, lanes, 2, 3, 0, 1));
  return wasm_i32x4_extract_lane(lanes, 0) + wasm_i32x4_extract_lane(lanes, 1);
}

// `ROWS` rows at once, so that the input is widened once for all of them. A row is `inputs` weights and a bias. 32
// inputs a step: each jump back asks whether the engine's time is over.
template <int ROWS>
static inline void multiply(const int8_t *weights, size_t inputs, const TFloat *scales, const int8_t *input,
                            TFloat *output) {
  const size_t row_size = inputs + 1;
  v128_t sums[ROWS];
  for (v128_t &lanes : sums) lanes = wasm_i32x4_const_splat(0);
  size_t at = 0;
  for (; at + 32 <= inputs; at += 32) {
    const v128_t a = eight(input + at), b = eight(input + at + 8);
    const v128_t c = eight(input + at + 16), d = eight(input + at + 24);
    for (int row = 0; row < ROWS; row++) {
      const int8_t *weight = weights + row * row_size + at;
      const v128_t ab = wasm_i32x4_add(wasm_i32x4_dot_i16x8(a, eight(weight)),
                                       wasm_i32x4_dot_i16x8(b, eight(weight + 8)));
      const v128_t cd = wasm_i32x4_add(wasm_i32x4_dot_i16x8(c, eight(weight + 16)),
                                       wasm_i32x4_dot_i16x8(d, eight(weight + 24)));
      sums[row] = wasm_i32x4_add(sums[row], wasm_i32x4_add(ab, cd));
    }
  }
  for (; at + 8 <= inputs; at += 8) {
    const v128_t a = eight(input + at);
    for (int row = 0; row < ROWS; row++) {
      const v128_t products = wasm_i32x4_dot_i16x8(a, eight(weights + row * row_size + at));
      sums[row] = wasm_i32x4_add(sums[row], products);
    }
  }
  for (int row = 0; row < ROWS; row++) {
    const int8_t *weight = weights + row * row_size;
    int32_t total = sum(sums[row]) + weight[inputs] * INT8_MAX;
    for (size_t rest = at; rest < inputs; rest++) total += weight[rest] * input[rest];
    output[row] = static_cast<TFloat>(total) * scales[row];
  }
}

static void matrix_dot_vector(int rows, int row_size, const int8_t *weights, const TFloat *scales,
                              const int8_t *input, TFloat *output) {
  const size_t inputs = row_size - 1;
  int row = 0;
  for (; row + 4 <= rows; row += 4, weights += 4 * row_size) {
    multiply<4>(weights, inputs, scales + row, input, output + row);
  }
  for (; row < rows; row++, weights += row_size) {
    multiply<1>(weights, inputs, scales + row, input, output + row);
  }
}

// Weights stay as the model has them: groups of one.
const tesseract::IntSimdMatrix kernel = {matrix_dot_vector, 1, 1, 1, 1};
