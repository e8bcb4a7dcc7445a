// SPDX-License-Identifier: Apache-2.0
// The same dependent chain on many lanes: lanes run in groups of 8 (or more), 4, 2 and 1 whose operations are
// interleaved, so that more lanes give the core more to do at once (instruction-level parallelism, no SIMD).
//
// An operation is a small struct with `void operator()(T& value) const`. Keep it in an anonymous namespace: this header
// is also compiled for newer instruction sets, and no instance of it may be shared between them.
#pragma once

#include <cstdint>

namespace serialprof {

#define SERIALPROF_INLINE inline __attribute__((always_inline))

// Values in registers: a recursive struct, since an array would not reliably leave the stack.
template <typename T, int kCount>
struct LaneGroup {
  T first;
  LaneGroup<T, kCount - 1> rest;

  SERIALPROF_INLINE void load(const T* from) {
    first = *from;
    rest.load(from + 1);
  }
  template <typename Operation>
  SERIALPROF_INLINE void apply(const Operation& operation) {
    operation(first);
    rest.apply(operation);
  }
  SERIALPROF_INLINE void store(T* to) const {
    *to = first;
    rest.store(to + 1);
  }
};

template <typename T>
struct LaneGroup<T, 0> {
  SERIALPROF_INLINE void load(const T*) {}
  template <typename Operation>
  SERIALPROF_INLINE void apply(const Operation&) {}
  SERIALPROF_INLINE void store(T*) const {}
};

template <int kCount, int kOps, typename T, typename Operation>
SERIALPROF_INLINE void apply_group(const T* from, T* to, const Operation& operation) {
  static_assert(kOps % 8 == 0, "the chain is unrolled by eight");
  LaneGroup<T, kCount> lanes;
  lanes.load(from);
  for (int done = 0; done < kOps; done += 8) {
#pragma GCC unroll 8
    for (int unrolled = 0; unrolled < 8; ++unrolled) lanes.apply(operation);
  }
  lanes.store(to);
}

// kOps dependent operations on each of `count` values, at most kMost of them at once (a power of two, as many as there
// are registers for); `from` and `to` may be the same.
template <int kOps, int kMost = 8, typename T, typename Operation>
SERIALPROF_INLINE void apply_lanes(const T* from, T* to, std::int64_t count, const Operation& operation) {
  std::int64_t lane = 0;
  for (; lane + kMost <= count; lane += kMost) apply_group<kMost, kOps>(from + lane, to + lane, operation);
  if constexpr (kMost > 1) apply_lanes<kOps, kMost / 2>(from + lane, to + lane, count - lane, operation);
}

}  // namespace serialprof
