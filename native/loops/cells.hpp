// SPDX-License-Identifier: Apache-2.0
// The recurrent cells: sigmoid and hyperbolic tangent as quotients of polynomials, and what makes a state of the gates.
//
// The cells wait for one another's results, step for step, so what counts is the latency: numerator and denominator are
// short series side by side, and a product of two activations takes one division.
#pragma once

#include "loops/dispatch.hpp"
#include "loops/linear.hpp"
#include "loops/vector.hpp"

namespace serialprof {
namespace SERIALPROF_ISA {

struct Quotient {
  Vector over, under;
};

static inline Vector value(Quotient q) { return q.over / q.under; }
static inline Vector product_of(Quotient a, Quotient b) { return a.over * b.over / (a.under * b.under); }

// tanh(x) = x P(x^2) / Q(x^2) with P and Q of degree 4: a minimax fit of the relative error on |x| <= kTanhEnd, beyond
// which the result is 1 in single precision. The fit's error is 1e-8, and 3.3e-7 with rounding. Sigmoid is
// (1 + tanh(x / 2)) / 2, whose error is below 2e-7, absolute.
constexpr float kTanhEnd = 8.3f;
constexpr float kOver[] = {1.0f, 0.1342587023973465f, 0.0035491695161908865f, 2.1508503778022714e-05f,
                           1.464826748787118e-08f};
constexpr float kUnder[] = {1.0f, 0.4675919711589813f, 0.026079950854182243f, 0.00033739511854946613f,
                            8.295112365885871e-07f};

static inline Vector clamped(Vector x, float end) { return smaller(larger(x, broadcast(-end)), broadcast(end)); }

// coefficients[i] * scale^i; scale is a power of two, so that nothing is rounded.
static inline Vector series(const float* coefficients, float scale, Vector z) {
  Vector sum = broadcast(coefficients[4] * (scale * scale * scale * scale));
  sum = sum * z + coefficients[3] * (scale * scale * scale);
  sum = sum * z + coefficients[2] * (scale * scale);
  sum = sum * z + coefficients[1] * scale;
  return sum * z + coefficients[0];
}

static inline Quotient hyperbolic_tangent(Vector x) {
  x = clamped(x, kTanhEnd);
  const Vector z = x * x;
  return {x * series(kOver, 1.0f, z), series(kUnder, 1.0f, z)};
}

static inline Quotient sigmoid(Vector x) {
  x = clamped(x, 2 * kTanhEnd);
  const Vector z = x * x;
  const Vector under = series(kUnder, 0.25f, z);
  return {x * 0.5f * series(kOver, 0.25f, z) + under, under + under};
}

// Gates and bias come a panel each. See Loops::CellLoop.
static inline Vector gate(const float* gates, const float* bias, int panel, int v) {
  return load(gates + panel * kPanel + v) + load(bias + panel * kPanel + v);
}

// [h]
static void rnn_cell(const float* gates, const float*, const float* bias, const float*, float*, float* hidden) {
  for (int v = 0; v < kPanel; v += kFloats) store(hidden + v, value(hyperbolic_tangent(gate(gates, bias, 0, v))));
}

// [i | f | g | o]
static void lstm_cell(const float* gates, const float*, const float* bias, const float*, float* cell, float* hidden) {
  for (int v = 0; v < kPanel; v += kFloats) {
    const Quotient in = sigmoid(gate(gates, bias, 0, v));
    const Quotient forget = sigmoid(gate(gates, bias, 1, v));
    const Quotient candidate = hyperbolic_tangent(gate(gates, bias, 2, v));
    const Quotient out = sigmoid(gate(gates, bias, 3, v));
    const Vector next = value(forget) * load(cell + v) + product_of(in, candidate);
    store(cell + v, next);
    store(hidden + v, product_of(out, hyperbolic_tangent(next)));
  }
}

// [r | z | n] of both; the bias of r and z, which are sums, stands with the input's.
static void gru_cell(const float* gates, const float* states, const float* bias, const float* before, float*,
                     float* hidden) {
  for (int v = 0; v < kPanel; v += kFloats) {
    const Vector reset = value(sigmoid(gate(gates, bias, 0, v) + load(states + v)));
    const Quotient keep = sigmoid(gate(gates, bias, 1, v) + load(states + kPanel + v));
    const Vector fed_back = reset * gate(states, bias + 3 * kPanel, 2, v);
    const Vector candidate = value(hyperbolic_tangent(gate(gates, bias, 2, v) + fed_back));
    store(hidden + v, candidate + value(keep) * (load(before + v) - candidate));
  }
}

}  // namespace SERIALPROF_ISA
}  // namespace serialprof
