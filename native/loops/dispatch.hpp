// SPDX-License-Identifier: Apache-2.0
// Which instruction set the hot loops run on, chosen once at run time.
//
// `Loops` is a table of plain functions; loops.cpp is compiled once per level and each copy fills one table.
// SERIALPROF_ISA=baseline|avx2|avx512 in the environment forces a level (an unavailable one is an error).
#pragma once

#include <cstddef>
#include <cstdint>

namespace serialprof {

constexpr int kChainOps = 64;  // dependent operations per lane in one step of the chain kernel

struct Loops {
  const char* name;

  // chain and the machine's limits (loops/throughput.hpp)
  bool fused;  // whether a multiply-add is one instruction, rounded once
  void (*fma_lanes)(const double* from, double* to, std::int64_t count, double factor, double term);
  std::uint64_t (*sum_words)(const std::uint64_t* words, std::int64_t count);  // words: aligned to 64 bytes
  double (*fma_flops_per_round)();
  void (*fma_rounds)(std::int64_t rounds);

  // cellular automata, 64 cells to a word (loops/automata.hpp); in[-1] and in[words] hold the neighbours at the ends
  void (*rule110_words)(const std::uint64_t* in, std::uint64_t* out, std::int64_t words);
  void (*life_column)(const std::uint64_t* left, const std::uint64_t* here, const std::uint64_t* right,
                      std::uint64_t* out, std::int64_t rows);
};

// The table for this machine (or for the level that the environment forces). Throws std::runtime_error for a level that
// this processor or this build does not have.
const Loops& loops();

}  // namespace serialprof
