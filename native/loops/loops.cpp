// SPDX-License-Identifier: Apache-2.0
// One instruction set's copy of the hot loops (see dispatch.hpp and CMakeLists.txt).
#include "loops/automata.hpp"
#include "loops/dispatch.hpp"
#include "loops/throughput.hpp"

#define SERIALPROF_TEXT_(name) #name
#define SERIALPROF_TEXT(name) SERIALPROF_TEXT_(name)

namespace serialprof {
namespace SERIALPROF_ISA {

extern const Loops table;
const Loops table = {
    SERIALPROF_TEXT(SERIALPROF_ISA),

    // chain and the machine's limits
    kFused,
    fma_lanes,
    sum_words,
    fma_flops_per_round,
    fma_rounds,

    // cellular automata
    rule110_words,
    life_column,
};

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
