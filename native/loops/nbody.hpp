// SPDX-License-Identifier: Apache-2.0
// Gravity between all pairs and the leapfrog's updates, in double precision. Included by loops.cpp alone.
// Bodies are padded to whole vectors of every instruction set (native/nbody.cpp); what pads is never a source.
#pragma once

#include "loops/dispatch.hpp"
#include "loops/vector.hpp"

namespace serialprof {
namespace SERIALPROF_ISA {

constexpr int kDoubles = kFloats / 2;  // doubles in a vector

typedef double Doubles __attribute__((vector_size(kFloats * 4)));
typedef int64_t Longs __attribute__((vector_size(kFloats * 4)));
typedef double UnalignedDoubles __attribute__((vector_size(kFloats * 4), aligned(8), may_alias));

static inline Doubles load(const double* from) { return *reinterpret_cast<const UnalignedDoubles*>(from); }
static inline void store(double* to, Doubles value) { *reinterpret_cast<UnalignedDoubles*>(to) = value; }

// 1 / sqrt(x) for normal positive x, to about 2 units in the last place. Halving the exponent's bits gives a first
// value with an error below 3.5 %. Then two rounds of the series of (1 - h)^(-1/2) in h = 1 - x y^2: to h^3 the error
// falls to 6e-6, to h^2 below 1e-15. Multiply-adds are pipelined, which square roots and divisions are not.
static inline Doubles reciprocal_root(Doubles x) {
  const Longs bits = 0x5FE6EB50C7B537A9 - (reinterpret_cast<Longs>(x) >> 1);
  Doubles y = reinterpret_cast<Doubles>(bits);
  Doubles h = 1.0 - x * y * y;
  y += y * h * (0.5 + h * (0.375 + h * 0.3125));
  h = 1.0 - x * y * y;
  return y + y * h * (0.5 + h * 0.375);
}

// Velocity of bodies [first, first + count) by half a step, then their places by a whole one.
static void leapfrog_drift(const Bodies& bodies, const double* from, int64_t first, int64_t count) {
  for (int64_t axis = 0; axis < 3; ++axis) {
    for (int64_t i = axis * bodies.stride + first; i < axis * bodies.stride + first + count; i += kDoubles) {
      const Doubles velocity = load(bodies.velocity + i) + load(bodies.acceleration + i) * bodies.half_step;
      store(bodies.velocity + i, velocity);
      store(bodies.position + i, load(from + i) + velocity * (2 * bodies.half_step));
    }
  }
}

static inline void leapfrog_finish(const Bodies& bodies, int64_t at, Doubles acceleration) {
  store(bodies.acceleration + at, acceleration);
  store(bodies.velocity + at, load(bodies.velocity + at) + acceleration * bodies.half_step);
}

// Accelerations of bodies [first, first + count) from all, and the second half of their kick. One vector of bodies
// keeps its sums in registers while every body passes it as a source; a body does not pull itself, its distance is 0.
static void leapfrog_kick(const Bodies& bodies, int64_t first, int64_t count) {
  const double* x = bodies.position;
  const double* y = x + bodies.stride;
  const double* z = y + bodies.stride;
  for (int64_t i = first; i < first + count; i += kDoubles) {
    const Doubles at_x = load(x + i);
    const Doubles at_y = load(y + i);
    const Doubles at_z = load(z + i);
    Doubles sum_x = {};
    Doubles sum_y = {};
    Doubles sum_z = {};
    for (int64_t j = 0; j < bodies.count; ++j) {
      const Doubles dx = x[j] - at_x;
      const Doubles dy = y[j] - at_y;
      const Doubles dz = z[j] - at_z;
      const Doubles inverse = reciprocal_root(bodies.softening + dx * dx + dy * dy + dz * dz);
      const Doubles pull = bodies.mass[j] * inverse * (inverse * inverse);
      sum_x += pull * dx;
      sum_y += pull * dy;
      sum_z += pull * dz;
    }
    leapfrog_finish(bodies, i, sum_x);
    leapfrog_finish(bodies, i + bodies.stride, sum_y);
    leapfrog_finish(bodies, i + 2 * bodies.stride, sum_z);
  }
}

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
