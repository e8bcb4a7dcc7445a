// SPDX-License-Identifier: Apache-2.0
// Vectorised exponentials and what stands on them: softmax; and RMS norm, ReLU, argmax.
// Counts are rounded up to whole vectors: the buffers are padded (native/matrix.hpp), and padding holds zeros.
#pragma once

#include "loops/dispatch.hpp"
#include "loops/linear.hpp"
#include "loops/vector.hpp"

namespace serialprof {
namespace SERIALPROF_ISA {

// e^x, clamped to [-86, 88]. x = n ln 2 + r with |r| <= ln 2 / 2, Taylor series of e^r to r^7 (truncation below 6e-9),
// 2^n added to the exponent bits. Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
static inline Vector exponential(Vector x) {
  x = smaller(larger(x, broadcast(-86.0f)), broadcast(88.0f));
  const float rounder = 0x1.8p23f;
  const Vector shifted = x * 1.44269504088896341f + rounder;
  const Vector n = shifted - rounder;
  const Vector r = (x - n * 0.693359375f) - n * -2.12194440e-4f;  // ln 2 in two parts, the first exact in n's range
  Vector series = r * (1.0f / 5040) + 1.0f / 720;
  series = series * r + 1.0f / 120;
  series = series * r + 1.0f / 24;
  series = series * r + 1.0f / 6;
  series = series * r + 0.5f;
  series = series * r + 1.0f;
  series = series * r + 1.0f;
  return reinterpret_cast<Vector>(reinterpret_cast<Integers>(series) + (reinterpret_cast<Integers>(shifted) << 23));
}

static inline float sum_of(Vector values) {
  float sum = 0;
  for (int i = 0; i < kFloats; ++i) sum += values[i];
  return sum;
}

static void softmax(float* scores, int64_t count, int64_t padded, float scale) {
  float top = scores[0];
  for (int64_t i = 1; i < count; ++i) top = scores[i] > top ? scores[i] : top;
  for (int64_t i = count; i < padded; ++i) scores[i] = 0;
  Vector sum = {};
  for (int64_t i = 0; i < padded; i += kFloats) {
    Vector weight = exponential((load(scores + i) - top) * scale);
    for (int lane = 0; lane < kFloats && i + kFloats > count; ++lane) {
      if (i + lane >= count) weight[lane] = 0;
    }
    store(scores + i, weight);
    sum += weight;
  }
  const float share = 1.0f / sum_of(sum);
  for (int64_t i = 0; i < padded; i += kFloats) store(scores + i, load(scores + i) * share);
}

static void rms_norm(const float* x, const float* gain, int64_t count, float epsilon, float* y) {
  Vector squares = {};
  for (int64_t i = 0; i < count; i += kFloats) squares += load(x + i) * load(x + i);
  const float scale = 1.0f / __builtin_sqrtf(sum_of(squares) / static_cast<float>(count) + epsilon);
  for (int64_t i = 0; i < count; i += kFloats) store(y + i, load(x + i) * load(gain + i) * scale);
}

static void relu(float* values, int64_t count) {
  for (int64_t i = 0; i < count; i += kFloats) store(values + i, larger(load(values + i), Vector{}));
}

static int64_t argmax(const float* values, int64_t count) {
  Vector tops = broadcast(values[0]);
  int64_t i = 0;
  for (; i + kFloats <= count; i += kFloats) tops = larger(tops, load(values + i));
  float top = tops[0];
  for (int lane = 1; lane < kFloats; ++lane) top = tops[lane] > top ? tops[lane] : top;
  for (; i < count; ++i) top = values[i] > top ? values[i] : top;
  for (i = 0; i < count - 1 && values[i] != top;) ++i;
  return i;
}

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
