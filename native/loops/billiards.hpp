// SPDX-License-Identifier: Apache-2.0
// Balls in a box with diamonds, in fixed point. Included by loops.cpp alone.
#pragma once

#include "loops/dispatch.hpp"
#include "loops/vector.hpp"

namespace serialprof {
namespace SERIALPROF_ISA {

typedef int32_t UnalignedIntegers __attribute__((vector_size(kFloats * 4), aligned(4), may_alias));

static inline Integers load(const int32_t* from) { return *reinterpret_cast<const UnalignedIntegers*>(from); }
static inline void store(int32_t* to, Integers value) { *reinterpret_cast<UnalignedIntegers*>(to) = value; }

// value where sign is 0, -value where it is -1.
static inline Integers signed_by(Integers value, Integers sign) { return (value ^ sign) - sign; }

struct Balls {
  Integers x, y, vx, vy;
};

// Reflects the velocity of a ball that lies beyond a wall or inside the diamond of its cell. What is done depends on
// the place alone, and done twice it changes nothing: that is what lets a run go backwards to the bit. A side of a
// diamond lies at 45 degrees, so a reflection exchanges the components: (vx, vy) to (-vy, -vx) where the side faces
// along (1, 1), to (vy, vx) where it faces along (1, -1). 36 operations, the
// longest chain 12.
static inline void reflect(Balls& balls, const Table& table) {
  const Integers u = (balls.x & (kTableCell - 1)) - kTableCell / 2;
  const Integers w = (balls.y & (kTableCell - 1)) - kTableCell / 2;
  const Integers facing = ~((u ^ w) >> 31);  // -1: u and w have one sign
  const Integers reach = signed_by(u, u >> 31) + signed_by(w, w >> 31);
  const Integers inside = (reach - table.radius) >> 31;
  const Integers wall_x = (balls.x | (table.side - 1 - balls.x)) >> 31;  // -1: beyond either wall
  const Integers wall_y = (balls.y | (table.side - 1 - balls.y)) >> 31;
  const Integers turned_x = signed_by(balls.vy, facing);
  const Integers turned_y = signed_by(balls.vx, facing);
  balls.vx = signed_by((turned_x & inside) | (balls.vx & ~inside), wall_x);
  balls.vy = signed_by((turned_y & inside) | (balls.vy & ~inside), wall_y);
}

static void billiards(const Table& table, const int32_t* from, int32_t* to, int64_t first, int64_t count, bool moving) {
  const int64_t stride = table.stride;
  for (int64_t i = first; i < first + count; i += kFloats) {
    Balls balls = {load(from + i), load(from + stride + i), load(from + 2 * stride + i), load(from + 3 * stride + i)};
    if (moving) {
      balls.x += balls.vx;
      balls.y += balls.vy;
    }
    reflect(balls, table);
    store(to + i, balls.x);
    store(to + stride + i, balls.y);
    store(to + 2 * stride + i, balls.vx);
    store(to + 3 * stride + i, balls.vy);
  }
}

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
