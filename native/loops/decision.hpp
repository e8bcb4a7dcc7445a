// SPDX-License-Identifier: Apache-2.0
// Markov decision processes in tables: Bellman backups, and rollouts. Included by loops.cpp alone.
#pragma once

#include "loops/bits.hpp"
#include "loops/dispatch.hpp"
#include "loops/vector.hpp"

namespace serialprof {
namespace SERIALPROF_ISA {

constexpr int kTileVectors = kMdpTile / kFloats;

typedef uint16_t Halves __attribute__((vector_size(kFloats * 2), aligned(2), may_alias));
typedef uint16_t Half __attribute__((may_alias));
typedef uint32_t Full __attribute__((may_alias));

// Where an outcome of a tile of states stands: kMdpTile weights, then as many successors.
template <typename Index>
struct Outcome {
  const Half* weights;
  const Index* successors;
  explicit Outcome(const unsigned char* bytes)
      : weights(reinterpret_cast<const Half*>(bytes)),
        successors(reinterpret_cast<const Index*>(bytes + kMdpTile * sizeof(Half))) {}
  static constexpr int64_t kBytes = kMdpTile * (sizeof(Half) + sizeof(Index));
};

static inline Vector singles(Halves numbers) {
#if defined(__AVX512F__)  // one widening, where the compiler makes two of half the length
  const Integers widened = reinterpret_cast<Integers>(_mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(numbers)));
#else
  const Integers widened = __builtin_convertvector(numbers, Integers);
#endif
  return __builtin_convertvector(widened, Vector);
}

template <int... kLanes>
struct LaneNumbers {};
template <int kCount, int... kLanes>
struct LanesUpTo : LanesUpTo<kCount - 1, kCount - 1, kLanes...> {};
template <int... kLanes>
struct LanesUpTo<0, kLanes...> : LaneNumbers<kLanes...> {};

// In a register at once, so that no register has to keep its index until then.
static inline float loaded(float value) {
  keep_vector(value);
  return value;
}

// The values of a vector of states. They are loaded one by one, since the gather instructions of many processors are no
// faster, and as one list, of which the compiler makes pairs of pairs: put in one after the other, each would wait for
// the one before.
template <typename Index, int... kLanes>
static inline Vector fetch(const float* values, const Index* states, LaneNumbers<kLanes...>) {
  return Vector{loaded(values[states[kLanes]])...};
}

// V'(s) = max over a of r(s, a) + scale * sum over k of weight(s, a, k) V(successor(s, a, k)), vectors over states.
template <typename Index>
static void backup_states(const Mdp& mdp, const float* values, float* next, int64_t first, int64_t count) {
  const unsigned char* bytes = mdp.tiles + first / kMdpTile * mdp.tile_bytes;
  for (int64_t s = first; s < first + count; s += kMdpTile) {
    Vector best[kTileVectors] = {};
    for (int64_t a = 0; a < mdp.actions; ++a) {
      const float* rewards = reinterpret_cast<const float*>(bytes);
      bytes += kMdpTile * sizeof(float);
      Vector sum[kTileVectors] = {};
      for (int64_t k = 0; k < mdp.branching; ++k, bytes += Outcome<Index>::kBytes) {
        const Outcome<Index> outcome(bytes);
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; ++v) {
          const Halves weights = *reinterpret_cast<const Halves*>(outcome.weights + v * kFloats);
          const Vector found = fetch(values, outcome.successors + v * kFloats, LanesUpTo<kFloats>());
          sum[v] += singles(weights) * found;
        }
      }
#pragma GCC unroll 4
      for (int v = 0; v < kTileVectors; ++v) {
        const Vector value = load(rewards + v * kFloats) + mdp.scale * sum[v];
        best[v] = a == 0 ? value : larger(best[v], value);
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < kTileVectors; ++v) store(next + s + v * kFloats, best[v]);
  }
}

static void backup(const Mdp& mdp, const float* values, float* next, int64_t first, int64_t count) {
  if (mdp.compact) return backup_states<Half>(mdp, values, next, first, count);
  backup_states<Full>(mdp, values, next, first, count);
}

constexpr int64_t kSetsAhead = 3;  // states; their successors' values are on their way meanwhile

// The same for kMdpTile sets of values at once, [states, kMdpTile]: vectors over the sets, so nothing is gathered.
template <typename Index>
static void backup_sets(const Mdp& mdp, const float* values, float* next, int64_t first, int64_t count) {
  for (int64_t s = first; s < first + count; ++s) {
    const unsigned char* bytes = mdp.tiles + s / kMdpTile * mdp.tile_bytes;
    const int64_t place = s % kMdpTile;
    const int64_t later = s + kSetsAhead < first + count ? s + kSetsAhead : s;
    const int64_t later_bytes = (later / kMdpTile - s / kMdpTile) * mdp.tile_bytes;
    Vector best[kTileVectors] = {};
    for (int64_t a = 0; a < mdp.actions; ++a) {
      const float reward = reinterpret_cast<const float*>(bytes)[place];
      bytes += kMdpTile * sizeof(float);
      Vector sum[kTileVectors] = {};
      for (int64_t k = 0; k < mdp.branching; ++k, bytes += Outcome<Index>::kBytes) {
        const Outcome<Index> outcome(bytes);
        const Index soon = Outcome<Index>(bytes + later_bytes).successors[later % kMdpTile];
        __builtin_prefetch(values + static_cast<int64_t>(soon) * kMdpTile);
        const float weight = outcome.weights[place];
        const float* from = values + static_cast<int64_t>(outcome.successors[place]) * kMdpTile;
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; ++v) sum[v] += weight * load(from + v * kFloats);
      }
#pragma GCC unroll 4
      for (int v = 0; v < kTileVectors; ++v) {
        const Vector value = reward + mdp.scale * sum[v];
        best[v] = a == 0 ? value : larger(best[v], value);
      }
    }
#pragma GCC unroll 4
    for (int v = 0; v < kTileVectors; ++v) store(next + s * kMdpTile + v * kFloats, best[v]);
  }
}

static void backup_many(const Mdp& mdp, const float* values, float* next, int64_t first, int64_t count) {
  if (mdp.compact) return backup_sets<Half>(mdp, values, next, first, count);
  backup_sets<Full>(mdp, values, next, first, count);
}

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
