// SPDX-License-Identifier: Apache-2.0
// A real-time thread that takes a share of one CPU, in periods far below a sample: whatever else runs there is dilated.
//
// It cannot outlive its process, since it is a thread of it; it takes half of every period at most, sleeps the rest,
// and ends by itself after a bounded time.
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <stdexcept>

#include "bind.hpp"
#include "ticks.hpp"

namespace serialprof {

namespace {

constexpr int kMostCpu = 1023;  // what a cpu_set_t holds
constexpr double kLeastPeriod = 1e-4;
constexpr double kMostPeriod = 1e-2;
constexpr double kMostShare = 0.5;
constexpr double kMostSeconds = 60.0;

[[noreturn]] void raise_os_error(int number, const char* what) {
  errno = number;
  PyErr_SetFromErrnoWithFilename(PyExc_OSError, what);
  throw py::error_already_set();
}

void sleep_until(double moment) noexcept {
  const double left = moment - steady_seconds();
  if (left <= 0.0) return;
  timespec rest{static_cast<time_t>(left),
                static_cast<long>((left - static_cast<double>(static_cast<time_t>(left))) * 1e9)};
  nanosleep(&rest, nullptr);
}

class Thief {
 public:
  Thief(int cpu, double share, double period, double seconds) : share_(share), period_(period), seconds_(seconds) {
    in_range("cpu", cpu, 0, kMostCpu);
    require(share > 0.0 && share <= kMostShare, "share: lies outside (0, 0.5]");
    require(period >= kLeastPeriod && period <= kMostPeriod, "period: lies outside [1e-4, 1e-2] s");
    require(seconds > 0.0 && seconds <= kMostSeconds, "seconds: lies outside (0, 60]");
#if defined(__linux__)
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
    pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
    sched_param least{};
    least.sched_priority = sched_get_priority_min(SCHED_FIFO);
    pthread_attr_setschedparam(&attributes, &least);
    cpu_set_t mask;
    CPU_ZERO(&mask);
    CPU_SET(static_cast<std::size_t>(cpu), &mask);
    pthread_attr_setaffinity_np(&attributes, sizeof mask, &mask);
    const int failed = pthread_create(&thread_, &attributes, &Thief::main_of_thread, this);
    pthread_attr_destroy(&attributes);
    if (failed != 0) raise_os_error(failed, "a real-time thread");
    running_ = true;
#else
    raise_os_error(ENOSYS, "a real-time thread");
#endif
  }

  ~Thief() { stop(); }
  Thief(const Thief&) = delete;
  Thief& operator=(const Thief&) = delete;

  // CPU time that it has taken so far, in seconds.
  double taken() const {
    const std::lock_guard<std::mutex> guard(mutex_);
    return read();
  }

  void stop() noexcept {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (!running_) return;
    final_ = read();
    stopping_.store(true, std::memory_order_relaxed);
    pthread_join(thread_, nullptr);
    running_ = false;
  }

 private:
  double read() const {
    if (!running_) return final_;
    clockid_t clock;
    timespec time{};
    if (pthread_getcpuclockid(thread_, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0.0;
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }

  static void* main_of_thread(void* argument) {
    Thief& thief = *static_cast<Thief*>(argument);
    const double end = steady_seconds() + thief.seconds_;
    while (!thief.stopping_.load(std::memory_order_relaxed)) {
      const double begin = steady_seconds();
      if (begin >= end) break;
      while (steady_seconds() < begin + thief.share_ * thief.period_) spin_pause();
      sleep_until(begin + thief.period_);
    }
    // Waits to be joined without taking anything: what reads its CPU time needs the thread.
    while (!thief.stopping_.load(std::memory_order_relaxed)) sleep_until(steady_seconds() + thief.period_);
    return nullptr;
  }

  double share_;
  double period_;
  double seconds_;
  mutable std::mutex mutex_;  // of the two below, and of the thread's end
  double final_ = 0.0;
  bool running_ = false;
  std::atomic<bool> stopping_{false};
  pthread_t thread_{};
};

}  // namespace

void register_thief(py::module_& module) {
  py::class_<Thief>(module, "Thief", "A real-time thread that takes a share of one CPU, for `seconds` at most.")
      .def(py::init<int, double, double, double>(), py::arg("cpu"), py::arg("share"), py::arg("period") = 1e-3,
           py::arg("seconds") = 10.0)
      .def("taken", &Thief::taken, "CPU time that it has taken so far, in seconds.")
      .def("stop", &Thief::stop, py::call_guard<py::gil_scoped_release>(), "Ends it; it takes nothing more.");
}

}  // namespace serialprof
