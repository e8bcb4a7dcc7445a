// SPDX-License-Identifier: Apache-2.0
#include "loops/dispatch.hpp"

#include <cstdlib>
#include <iterator>
#include <stdexcept>
#include <string>

namespace serialprof {

namespace baseline {
extern const Loops table;
}
#if defined(__x86_64__)
namespace avx2 {
extern const Loops table;
}
namespace avx512 {
extern const Loops table;
}
#endif

namespace {

const Loops* choose() {
  if (const char* forced = std::getenv("SERIALPROF_ISA"); forced != nullptr && *forced != '\0') {
    if (const Loops* table = loops_named(forced)) return table;
    throw std::runtime_error("SERIALPROF_ISA=" + std::string(forced) +
                             ": this processor or build has no such level (baseline, avx2, avx512)");
  }
  for (auto level = std::rbegin(kLevels); level != std::rend(kLevels); ++level) {
    if (const Loops* table = loops_named(*level)) return table;
  }
  return &baseline::table;
}

}  // namespace

const Loops* loops_named(const char* name) {
  const std::string level = name;
  if (level == "baseline") return &baseline::table;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool has_avx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  if (level == "avx2" && has_avx2) return &avx2::table;
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (level == "avx512" && has_avx512) return &avx512::table;
#endif
  return nullptr;
}

const Loops& loops() {
  static const Loops* const chosen = choose();
  return *chosen;
}

}  // namespace serialprof
