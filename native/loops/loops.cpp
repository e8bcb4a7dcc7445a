// SPDX-License-Identifier: Apache-2.0
// One instruction set's copy of the hot loops (see dispatch.hpp and CMakeLists.txt).
#include "loops/activation.hpp"
#include "loops/automata.hpp"
#include "loops/billiards.hpp"
#include "loops/bundle.hpp"
#include "loops/cells.hpp"
#include "loops/circuit.hpp"
#include "loops/decision.hpp"
#include "loops/dispatch.hpp"
#include "loops/linear.hpp"
#include "loops/modular.hpp"
#include "loops/nbody.hpp"
#include "loops/recurrence.hpp"
#include "loops/rollout.hpp"
#include "loops/sudoku.hpp"
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
    fma_chain,
    sum_words,
    step_words,
    fma_flops_per_round,
    fma_rounds,
    word_ops_per_round,
    word_rounds,

    // linear algebra and activations
    kPanel,
    linear,
    linear_bf16,
    linear_bundle,
    rnn_cell,
    gru_cell,
    lstm_cell,
    softmax,
    rms_norm,
    relu,
    argmax,

    // cellular automata
    kBitWords,
    kElementary.rules,
    rotate_vectors,
    life_column,

    // linear recurrences
    scan_linear,
    scan_selective,

    // bodies and balls
    leapfrog_drift,
    leapfrog_kick,
    billiards,

    // Markov decision processes
    backup,
    backup_many,
    rollout,
    // exact integers
    circuit_gates,
    facts,
    logistic,
    // search
    sudoku_sweep,
};

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
