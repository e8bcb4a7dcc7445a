// SPDX-License-Identifier: Apache-2.0
// Loops of the chain kernel's FMA and of the machine's limits. Included by loops.cpp alone, once per instruction set.
#pragma once

#include "loops/lanes.hpp"
#include "loops/vector.hpp"

namespace serialprof {
namespace SERIALPROF_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

#if defined(__FMA__) || defined(__aarch64__)
constexpr bool kFused = true;
#else
constexpr bool kFused = false;
#endif

struct FusedMultiplyAdd {
  double factor;
  double term;
  SERIALPROF_INLINE void operator()(double& value) const {
    value = value * factor + term;  // contracted to one instruction where there is one
#if defined(__x86_64__)
    asm volatile("" : "+x"(value));
#elif defined(__aarch64__)
    asm volatile("" : "+w"(value));
#endif
  }
};

void fma_lanes(const double* from, double* to, std::int64_t count, double factor, double term) {
  apply_lanes<kChainOps>(from, to, count, FusedMultiplyAdd{factor, term});
}

// x <- factor x + term swings about 1.5 and neither grows nor vanishes.
double fma_chain(double value, std::int64_t count) {
  const FusedMultiplyAdd operation{-1.0 + 1.0 / 65536.0, 3.0};
  std::int64_t done = 0;
  for (; done + 16 <= count; done += 16) {
#pragma GCC unroll 16
    for (int unrolled = 0; unrolled < 16; ++unrolled) operation(value);
  }
  for (; done < count; ++done) operation(value);
  return value;
}

using Words __attribute__((vector_size(kVectorBytes), aligned(kVectorBytes))) = std::uint64_t;

constexpr std::int64_t kVectorWords = kVectorBytes / 8;
constexpr int kWordsBlock = 8;                                   // vectors: 8 loads in flight hide their latency
constexpr std::int64_t kWordsPiece = (16 << 10) / kVectorBytes;  // vectors: well within any nearest cache

// Vectors [first, last), whole blocks of them, upwards or downwards: visit(vector, its place in the block).
template <bool kDown, typename Visit>
SERIALPROF_INLINE void visit_blocks(Visit& visit, std::int64_t first, std::int64_t last) {
  for (std::int64_t done = first; done < last; done += kWordsBlock) {
    const std::int64_t block = kDown ? first + last - kWordsBlock - done : done;
#pragma GCC unroll 8
    for (int step = 0; step < kWordsBlock; ++step) {
      const int place = kDown ? kWordsBlock - 1 - step : step;
      visit(block + place, place);
    }
  }
}

// Four quarters side by side, two vectors of each at a time, and then what is left: prefetchers fetch for each of them.
template <typename Visit>
SERIALPROF_INLINE void visit_abreast(Visit& visit, std::int64_t vectors) {
  const std::int64_t quarter = vectors / kWordsBlock * 2;
  for (std::int64_t done = 0; done < quarter; done += 2) {
#pragma GCC unroll 8
    for (int step = 0; step < kWordsBlock; ++step) visit(step / 2 * quarter + done + step % 2, step);
  }
  for (std::int64_t vector = 4 * quarter; vector < vectors; ++vector) visit(vector, 0);
}

// `count` words, a multiple of 8. One order to a function: accumulators that several loops share would leave the
// registers.
template <WordOrder kOrder, typename Visit>
SERIALPROF_INLINE void visit_words(Visit& visit, std::int64_t count) {
  const std::int64_t vectors = count / kVectorWords;
  if (kOrder == WordOrder::kAbreast) return visit_abreast(visit, vectors);
  const std::int64_t whole = vectors / kWordsBlock * kWordsBlock;
  if (kOrder != WordOrder::kUp) {
    for (std::int64_t vector = vectors; vector > whole; --vector) visit(vector - 1, 0);
  }
  if (kOrder != WordOrder::kPieces) {
    visit_blocks<kOrder == WordOrder::kDown>(visit, 0, whole);
  } else {
    for (std::int64_t last = whole; last > 0; last = (last - 1) / kWordsPiece * kWordsPiece) {
      visit_blocks<false>(visit, (last - 1) / kWordsPiece * kWordsPiece, last);
    }
  }
  if (kOrder == WordOrder::kUp) {
    for (std::int64_t vector = whole; vector < vectors; ++vector) visit(vector, 0);
  }
}

// Eight accumulators: the loads wait for no addition.
struct WordSum {
  const Words* words;
  Words sums[kWordsBlock];
  SERIALPROF_INLINE void operator()(std::int64_t vector, int place) { sums[place] += words[vector]; }
};

template <WordOrder kOrder>
std::uint64_t sum_words_in(const std::uint64_t* words, std::int64_t count) {
  WordSum visit{reinterpret_cast<const Words*>(words), {}};
  visit_words<kOrder>(visit, count);
  const Words* sums = visit.sums;
  const Words total = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
  std::uint64_t sum = 0;
  for (int lane = 0; lane < kVectorWords; ++lane) sum += total[lane];
  return sum;
}

std::uint64_t sum_words(const std::uint64_t* words, std::int64_t count, WordOrder order) {
  if (order == WordOrder::kDown) return sum_words_in<WordOrder::kDown>(words, count);
  if (order == WordOrder::kPieces) return sum_words_in<WordOrder::kPieces>(words, count);
  if (order == WordOrder::kAbreast) return sum_words_in<WordOrder::kAbreast>(words, count);
  return sum_words_in<WordOrder::kUp>(words, count);
}

struct WordStep {
  Words* words;
  SERIALPROF_INLINE void operator()(std::int64_t vector, int) const { words[vector] += Words{} + 1; }
};

void step_words(std::uint64_t* words, std::int64_t count, WordOrder order) {
  const WordStep visit{reinterpret_cast<Words*>(words)};
  if (order == WordOrder::kDown) return visit_words<WordOrder::kDown>(visit, count);
  if (order == WordOrder::kPieces) return visit_words<WordOrder::kPieces>(visit, count);
  if (order == WordOrder::kAbreast) return visit_words<WordOrder::kAbreast>(visit, count);
  visit_words<WordOrder::kUp>(visit, count);
}

constexpr int kAccumulators = 12;  // latency 4 x 2 pipes is the widest in use; 16 registers must hold them all

// `rounds` times one operation on each of twelve independent vectors.
template <typename Vector, typename Operation>
SERIALPROF_INLINE void apply_rounds(const Operation& operation, std::int64_t rounds) {
  Vector zeros[kAccumulators] = {};
  LaneGroup<Vector, kAccumulators> accumulators;
  accumulators.load(zeros);
  for (std::int64_t round = 0; round < rounds; ++round) accumulators.apply(operation);
}

struct WordXor {
  Words operand;
  SERIALPROF_INLINE void operator()(Words& vector) const {
    vector ^= operand;
    keep_vector(vector);
  }
};

double word_ops_per_round() { return kAccumulators * (kVectorBytes / 8.0); }

void word_rounds(std::int64_t rounds) {
  WordXor operation{Words{} + 0x5555555555555555u};
  keep_vector(operation.operand);
  apply_rounds<Words>(operation, rounds);
}

using Floats __attribute__((vector_size(kVectorBytes), aligned(kVectorBytes))) = float;

double fma_flops_per_round() { return 2.0 * kAccumulators * (kVectorBytes / 4); }

struct FloatFma {
  Floats factor;
  Floats term;
  SERIALPROF_INLINE void operator()(Floats& vector) const {
    vector = vector * factor + term;
    keep_vector(vector);
  }
};

void fma_rounds(std::int64_t rounds) {
  FloatFma operation{Floats{} + 0.5f, Floats{} + 1.0f};
  keep_vector(operation.factor);
  keep_vector(operation.term);
  apply_rounds<Floats>(operation, rounds);
}

}  // namespace
}  // namespace SERIALPROF_ISA
}  // namespace serialprof
