// SPDX-License-Identifier: Apache-2.0
// Reproducible draws for weights, inputs and orders: the same on every machine, unlike the distributions of <random>.
#pragma once

#include <cstdint>

namespace serialprof {

// The output function of splitmix64: scatters neighbouring numbers.
inline std::uint64_t mix(std::uint64_t state) noexcept {
  state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9u;
  state = (state ^ (state >> 27)) * 0x94D049BB133111EBu;
  return state ^ (state >> 31);
}

// splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, figure 16).
class Random {
 public:
  template <typename Seed>
  explicit Random(Seed seed) noexcept : state_(static_cast<std::uint64_t>(seed)) {}

  std::uint64_t bits() noexcept { return mix(state_ += 0x9E3779B97F4A7C15u); }

  // Uniform in [-bound, bound).
  float uniform(float bound) noexcept { return (static_cast<float>(bits() >> 40) * 0x1p-23f - 1.0f) * bound; }

  // A number in [0, bound), by Lemire's multiply-shift; its bias is below bound / 2^64.
  std::int64_t below(std::int64_t bound) noexcept { return scale(bits(), bound); }

  static std::int64_t scale(std::uint64_t bits, std::int64_t bound) noexcept {
    return static_cast<std::int64_t>((static_cast<Wide>(bits) * static_cast<Wide>(bound)) >> 64);
  }

 private:
  __extension__ using Wide = unsigned __int128;
  std::uint64_t state_;
};

}  // namespace serialprof
