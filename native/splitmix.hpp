// SPDX-License-Identifier: Apache-2.0
// SplitMix64 (Steele, Lea and Flood 2014, figure 16): small, seeded, the same on every machine.
#pragma once

#include <cstdint>

namespace serialprof {

inline std::uint64_t mix(std::uint64_t state) noexcept {
  state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9u;
  state = (state ^ (state >> 27)) * 0x94D049BB133111EBu;
  return state ^ (state >> 31);
}

class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept { return mix(state_ += 0x9E3779B97F4A7C15u); }

  // A number in [0, bound), by Lemire's multiply-shift; its bias is below bound / 2^64.
  std::uint64_t below(std::uint64_t bound) noexcept { return scale(next(), bound); }

  static std::uint64_t scale(std::uint64_t bits, std::uint64_t bound) noexcept {
    return static_cast<std::uint64_t>((static_cast<Wide>(bits) * bound) >> 64);
  }

 private:
  __extension__ using Wide = unsigned __int128;
  std::uint64_t state_;
};

}  // namespace serialprof
