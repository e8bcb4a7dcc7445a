// SPDX-License-Identifier: Apache-2.0
// One step of many rollouts through a world model in tables. Included by loops.cpp alone.
#pragma once

#include "loops/dispatch.hpp"
#include "loops/vector.hpp"

namespace serialprof {
namespace SERIALPROF_ISA {

// The finaliser of MurmurHash3 (Appleby, public domain): a bijection that scatters a counter's bits.
static inline uint32_t scatter(uint32_t bits) {
  bits = (bits ^ (bits >> 16)) * 0x85EBCA6Bu;
  bits = (bits ^ (bits >> 13)) * 0xC2B2AE35u;
  return bits ^ (bits >> 16);
}

// A draw for one lane in one step; it depends on nothing else, so any order of lanes and steps draws the same.
static inline uint32_t draw_at(uint32_t key, int64_t lane) {
  return scatter(scatter(static_cast<uint32_t>(lane) + key) ^ key);
}

static inline int64_t scaled(uint32_t bits, int64_t bound) {
  return static_cast<int64_t>((static_cast<uint64_t>(bits) * static_cast<uint64_t>(bound)) >> 32);
}

// kActions: 0 for any number of them.
template <int kActions>
static inline void roll(const World& world, int32_t* states, int64_t* returns, int64_t first, int64_t last,
                        uint32_t key, bool drawn) {
  const int64_t actions = kActions > 0 ? kActions : world.actions;
  for (int64_t lane = first; lane < last; ++lane) {
    const uint32_t draw = draw_at(key, lane);
    const int64_t state = drawn ? scaled(scatter(draw ^ key), world.states) : states[lane];
    const int32_t* preferences = world.preferences + state * actions;
    int64_t action = 0;
    int32_t most = preferences[0];
#pragma GCC unroll 4
    for (int64_t other = 1; other < actions; ++other) {
      action = preferences[other] > most ? other : action;
      most = preferences[other] > most ? preferences[other] : most;
    }
    const int32_t* outcomes = world.outcomes + (state * actions + action) * (1 + world.branching);
    returns[lane] += outcomes[0];
    states[lane] = outcomes[1 + scaled(draw, world.branching)];
  }
}

static void rollout(const World& world, int32_t* states, int64_t* returns, int64_t first, int64_t last, uint32_t key,
                    bool drawn) {
  if (world.actions == 4) return roll<4>(world, states, returns, first, last, key, drawn);
  roll<0>(world, states, returns, first, last, key, drawn);
}

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
