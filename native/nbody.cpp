// SPDX-License-Identifier: Apache-2.0
// Gravity between all pairs of bodies, softened, with the leapfrog (kick, drift, kick): one step is one time step.
//
//   v += a dt / 2,  x += v dt,  a_i = sum over j of m_j (x_j - x_i) / (|x_j - x_i|^2 + softening^2)^(3/2),
//   v += a dt / 2
//
// The threads divide the bodies that are pulled. Places are kept twice and written by turns: a thread that is already
// in the next step does not touch what another still reads, so one barrier, before the forces, is enough. Wide form:
// every step makes the first step anew, into copies that a thread has for itself.
#include <pybind11/numpy.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "bind.hpp"
#include "buffer.hpp"
#include "loops/dispatch.hpp"
#include "random.hpp"

namespace serialprof {

namespace {

constexpr std::int64_t kBodyGrain = 8;      // bodies in the longest vector
constexpr double kLeastSoftening = 1e-100;  // its inverse cube is a finite number

// Places, velocities or accelerations: [axis, body] with padded rows.
using Vectors = Buffer<double>;

double positive(const char* name, double value) {
  require(std::isfinite(value) && value > 0, std::string(name) + " = " + std::to_string(value) + " is not positive");
  return value;
}

class NBody {
 public:
  NBody(std::shared_ptr<Team> members, std::int64_t width, std::uint64_t seed, double dt, double softening, bool wide);

  void begin();
  void step(std::int64_t index, Member& member);

  py::tuple state() const;
  void set_state(const py::array& positions, const py::array& velocities);
  py::array_t<double> masses() const;

  std::shared_ptr<Team> team;

 private:
  struct Motion {  // what a step changes
    Vectors position[2], velocity, acceleration;
    int newest = 0;  // of the two positions
  };
  struct Part {
    std::int64_t first, count;
  };

  Motion motion() const;
  Bodies bodies(Motion& of, int newest) const;
  void accelerate();
  py::array_t<double> copy(const Vectors& vectors) const;
  void read(const char* name, const py::array& from, Vectors& to) const;

  std::int64_t width_, stride_;
  double half_step_, softening_squared_;
  bool wide_;
  Buffer<double> mass_;
  Motion start_;
  std::vector<Motion> motions_;  // serial form: one; wide form: one per thread
  std::vector<Padded<Part>> parts_;
  std::int64_t steps_ = 0;  // of the last run
};

NBody::NBody(std::shared_ptr<Team> members, std::int64_t width, std::uint64_t seed, double dt, double softening,
             bool wide)
    : team(std::move(members)),
      width_(in_range("width", width, 1, std::int64_t{1} << 32)),
      stride_((width + kBodyGrain - 1) / kBodyGrain * kBodyGrain),
      half_step_(positive("dt", dt) / 2),
      softening_squared_(positive("softening", softening) * softening),
      wide_(wide) {
  require(softening >= kLeastSoftening, "softening = " + std::to_string(softening) + " is below 1e-100");
  const std::int64_t copies = 1 + (wide ? team->size() : 1);
  require_memory("width", width, 8.0 * static_cast<double>(stride_) * static_cast<double>(12 * copies + 1));
  mass_ = Buffer<double>(stride_);
  start_ = motion();
  for (std::int64_t copy = 1; copy < copies; ++copy) motions_.push_back(motion());
  Random random(seed);
  const double mass = 1.0 / static_cast<double>(width_);
  for (std::int64_t body = 0; body < width_; ++body) mass_[body] = mass * (1.0 + random.uniform(0.5f));
  for (std::int64_t axis = 0; axis < 3; ++axis) {
    for (std::int64_t body = 0; body < width_; ++body) {
      start_.position[0][axis * stride_ + body] = random.uniform(1.0f);
      start_.velocity[axis * stride_ + body] = random.uniform(0.5f);
    }
  }
  for (int rank = 0; rank < team->size(); ++rank) {
    std::int64_t first, last;
    Member{rank, team->size(), nullptr}.share(width_, kBodyGrain, &first, &last);
    parts_.push_back({Part{first, last - first}});
  }
  accelerate();
}

NBody::Motion NBody::motion() const {
  Motion result;
  for (Vectors* vectors : {&result.position[0], &result.position[1], &result.velocity, &result.acceleration}) {
    *vectors = Vectors(3 * stride_);
  }
  return result;
}

Bodies NBody::bodies(Motion& of, int newest) const {
  return {of.position[newest].data(), of.velocity.data(), of.acceleration.data(), mass_.data(), width_, stride_,
          softening_squared_,         half_step_};
}

// The accelerations that the first kick takes; the velocities stay.
void NBody::accelerate() {
  Bodies all = bodies(start_, 0);
  all.half_step = 0.0;
  loops().leapfrog_kick(all, 0, width_);
  begin();
}

void NBody::begin() {
  steps_ = 0;
  for (Motion& motion : motions_) {
    std::copy_n(start_.position[0].data(), 3 * stride_, motion.position[0].data());
    std::copy_n(start_.velocity.data(), 3 * stride_, motion.velocity.data());
    std::copy_n(start_.acceleration.data(), 3 * stride_, motion.acceleration.data());
  }
}

void NBody::step(std::int64_t index, Member& member) {
  if (wide_) {
    if (index % member.size == member.rank) {
      Motion& mine = motions_[static_cast<std::size_t>(member.rank)];
      std::copy_n(start_.velocity.data(), 3 * stride_, mine.velocity.data());
      std::copy_n(start_.acceleration.data(), 3 * stride_, mine.acceleration.data());
      const Bodies all = bodies(mine, 1);
      loops().leapfrog_drift(all, start_.position[0].data(), 0, width_);
      loops().leapfrog_kick(all, 0, width_);
    }
    if (member.rank == 0) steps_ = 1;
    return;
  }
  Motion& motion = motions_[0];
  const int newest = static_cast<int>((index + 1) & 1);
  const Bodies all = bodies(motion, newest);
  const Part& part = parts_[static_cast<std::size_t>(member.rank)].value;
  loops().leapfrog_drift(all, motion.position[1 - newest].data(), part.first, part.count);
  if (member.size > 1) member.barrier();
  loops().leapfrog_kick(all, part.first, part.count);
  if (member.rank == 0) steps_ = index + 1;
}

py::array_t<double> NBody::copy(const Vectors& vectors) const {
  py::array_t<double> result({std::int64_t{3}, width_});
  for (std::int64_t axis = 0; axis < 3; ++axis) {
    std::copy_n(vectors.data() + axis * stride_, width_, result.mutable_data() + axis * width_);
  }
  return result;
}

py::tuple NBody::state() const {
  const Motion& newest = motions_[0];
  return py::make_tuple(copy(newest.position[steps_ & 1]), copy(newest.velocity));
}

// Any strides and any alignment.
void NBody::read(const char* name, const py::array& from, Vectors& to) const {
  const std::string shape = std::string(name) + ": needs float64 in the shape [3, " + std::to_string(width_) + "]";
  if (!py::isinstance<py::array_t<double>>(from)) throw py::type_error(shape);
  require(from.ndim() == 2 && from.shape(0) == 3 && from.shape(1) == width_, shape);
  for (std::int64_t axis = 0; axis < 3; ++axis) {
    for (std::int64_t body = 0; body < width_; ++body) {
      std::memcpy(&to[axis * stride_ + body], from.data(axis, body), sizeof(double));
      require(std::isfinite(to[axis * stride_ + body]), std::string(name) + ": holds what is no finite number");
    }
  }
}

void NBody::set_state(const py::array& positions, const py::array& velocities) {
  const Turn turn(*team);
  Motion next = motion();
  read("positions", positions, next.position[0]);
  read("velocities", velocities, next.velocity);
  start_ = std::move(next);
  accelerate();
}

py::array_t<double> NBody::masses() const {
  py::array_t<double> result(width_);
  std::copy_n(mass_.data(), width_, result.mutable_data());
  return result;
}

}  // namespace

void register_nbody(py::module_& module) {
  kernel_class<NBody>(module, "NBody", "Softened gravity between `width` bodies; one step is one leapfrog.")
      .def(py::init<std::shared_ptr<Team>, std::int64_t, std::uint64_t, double, double, bool>(),
           py::arg("team").none(false), py::arg("width"), py::arg("seed") = 0, py::arg("dt") = 0.001,
           py::arg("softening") = 0.05, py::arg("wide") = false)
      .def("state", &NBody::state)
      .def("set_state", &NBody::set_state, py::arg("positions"), py::arg("velocities"))
      .def("masses", &NBody::masses);
}

}  // namespace serialprof
