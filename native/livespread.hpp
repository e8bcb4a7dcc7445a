// SPDX-License-Identifier: Apache-2.0
// How durations in ticks spread: exact counts in buckets whose width is at most 1/64 of their place.
#pragma once

#include <cstdint>

namespace serialprof::lanes {

constexpr int kBucketBits = 6;
constexpr int kBuckets = 40 << kBucketBits;  // up to 2^45 ticks, hours at any clock; what is longer counts as that

// Buckets of width 1 up to 2^6, and 2^6 buckets per doubling from there on (Tene's HdrHistogram).
inline int bucket_of(std::int64_t ticks) noexcept {
  if (ticks < (1 << kBucketBits)) return ticks < 0 ? 0 : static_cast<int>(ticks);
  const int octave = 63 - __builtin_clzll(static_cast<unsigned long long>(ticks));
  const int shift = octave - kBucketBits;
  const int index = ((shift + 1) << kBucketBits) + static_cast<int>((ticks >> shift) & ((1 << kBucketBits) - 1));
  return index < kBuckets ? index : kBuckets - 1;
}

struct Spread {
  std::int64_t counts[kBuckets];

  void add(std::int64_t ticks) noexcept { ++counts[bucket_of(ticks)]; }
};

}  // namespace serialprof::lanes
