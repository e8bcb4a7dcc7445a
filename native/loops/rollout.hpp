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

constexpr int kRolloutBlock = 16;  // lanes whose draws are made together, in vectors, though the last may not exist

// Draws for the lanes from `first` on in one step. They depend on nothing else, so any order of lanes and steps draws
// the same. outcomes: for the outcomes; starts: for states that are drawn, too.
template <bool kDrawn>
static inline void draw(uint32_t key, int64_t first, uint32_t* outcomes, uint32_t* starts) {
  for (int lane = 0; lane < kRolloutBlock; ++lane) {
    outcomes[lane] = scatter(scatter(static_cast<uint32_t>(first) + static_cast<uint32_t>(lane) + key) ^ key);
    if (kDrawn) starts[lane] = scatter(outcomes[lane] ^ key);
  }
}

static inline int64_t scaled(uint32_t bits, int64_t bound) {
  return static_cast<int64_t>((static_cast<uint64_t>(bits) * static_cast<uint64_t>(bound)) >> 32);
}

typedef int32_t FourRanks __attribute__((vector_size(16)));
typedef int32_t FourRanksInPlace __attribute__((vector_size(16), aligned(4), may_alias));

static inline FourRanks larger_ranks(FourRanks a, FourRanks b) { return a > b ? a : b; }

// Four are one load, and two steps of a tree.
template <int kActions>
static inline int32_t largest_rank(const int32_t* ranks, int64_t actions) {
  if (kActions == 4) {
    const FourRanks all = *reinterpret_cast<const FourRanksInPlace*>(ranks);
    const FourRanks pairs = larger_ranks(all, FourRanks{all[2], all[3], all[0], all[1]});
    return larger_ranks(pairs, FourRanks{pairs[1], pairs[0], pairs[3], pairs[2]})[0];
  }
  int32_t most = ranks[0];
  for (int64_t other = 1; other < actions; ++other) most = ranks[other] > most ? ranks[other] : most;
  return most;
}

// kActions, kBranching: 0 for any number of them.
template <int kActions, int kBranching, bool kDrawn>
static inline void roll(const World& world, int32_t* states, int64_t* returns, int64_t first, int64_t last,
                        uint32_t key) {
  const int64_t actions = kActions > 0 ? kActions : world.actions;
  const int64_t branching = kBranching > 0 ? kBranching : world.branching;
  uint32_t draws[kRolloutBlock];
  uint32_t starts[kRolloutBlock];
  for (int64_t block = first; block < last; block += kRolloutBlock) {
    const int64_t end = last - block < kRolloutBlock ? last : block + kRolloutBlock;
    draw<kDrawn>(key, block, draws, starts);
    for (int64_t lane = block; lane < end; ++lane) {
      const int64_t state = kDrawn ? scaled(starts[lane - block], world.states) : states[lane];
      const int32_t most = largest_rank<kActions>(world.ranks + state * actions, actions);
      const int64_t action = kMostActions - 1 - (most & (kMostActions - 1));
      const int32_t* outcomes = world.outcomes + (state * actions + action) * (1 + branching);
      returns[lane] += outcomes[0];
      states[lane] = outcomes[1 + scaled(draws[lane - block], branching)];
    }
  }
}

template <int kActions, int kBranching>
static void roll_either(const World& world, int32_t* states, int64_t* returns, int64_t first, int64_t last,
                        uint32_t key, bool drawn) {
  if (drawn) return roll<kActions, kBranching, true>(world, states, returns, first, last, key);
  roll<kActions, kBranching, false>(world, states, returns, first, last, key);
}

static void rollout(const World& world, int32_t* states, int64_t* returns, int64_t first, int64_t last, uint32_t key,
                    bool drawn) {
  if (world.actions == 4 && world.branching == 4) {
    return roll_either<4, 4>(world, states, returns, first, last, key, drawn);
  }
  roll_either<0, 0>(world, states, returns, first, last, key, drawn);
}

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
