// SPDX-License-Identifier: Apache-2.0
// Reproducible draws for weights and inputs: the same on every machine, unlike the distributions of <random>.
#pragma once

#include <cstdint>

namespace serialprof {

// splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
class Random {
 public:
  explicit Random(std::int64_t seed) : state_(static_cast<std::uint64_t>(seed)) {}

  std::uint64_t bits() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // Uniform in [-bound, bound).
  float uniform(float bound) { return (static_cast<float>(bits() >> 40) * 0x1p-23f - 1.0f) * bound; }
  // Uniform in [0, limit) for a limit far below 2^32.
  std::int64_t below(std::int64_t limit) {
    return static_cast<std::int64_t>((bits() >> 32) * static_cast<std::uint64_t>(limit) >> 32);
  }

 private:
  std::uint64_t state_;
};

}  // namespace serialprof
