// SPDX-License-Identifier: Apache-2.0
// The kernel's performance counters (perf_event_open) for the calling thread and the threads that it starts later.
//
// Each event has a file descriptor of its own: the kernel hands inherited events out singly, never as a group.
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "bind.hpp"

#if defined(__linux__)
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace serialprof {

namespace {

using Event = std::pair<std::uint32_t, std::uint64_t>;  // type and config, as in <linux/perf_event.h>

[[noreturn]] void throw_errno(int code) {
  errno = code;
  PyErr_SetFromErrno(PyExc_OSError);
  throw py::error_already_set();
}

class Counters {
 public:
  explicit Counters(const std::vector<Event>& events) {
    require(!events.empty(), "events: there is nothing to count");
    files_.reserve(events.size());
    for (const Event& event : events) {
      const int file = open_event(event);
      if (file < 0) {
        const int code = errno;
        close();
        throw_errno(code);
      }
      files_.push_back(file);
    }
  }
  ~Counters() { close(); }
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;

  std::vector<std::uint64_t> read() const {
    require(!files_.empty(), "these counters are closed");
    std::vector<std::uint64_t> values;
    values.reserve(files_.size());
    for (const int file : files_) values.push_back(read_event(file));
    return values;
  }

  void close() noexcept {
#if defined(__linux__)
    for (const int file : files_) ::close(file);
#endif
    files_.clear();
  }

 private:
#if defined(__linux__)
  static int open_event(const Event& event) noexcept {
    perf_event_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.size = sizeof attributes;
    attributes.type = event.first;
    attributes.config = event.second;
    attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    attributes.inherit = 1;
    attributes.exclude_kernel = 1;  // what an ordinary user may count while kernel.perf_event_paranoid is 2
    attributes.exclude_hv = 1;
    return static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
  }

  // The count, extended to the whole time where the event shared its hardware with others for a part of it.
  static std::uint64_t read_event(int file) {
    struct {
      std::uint64_t value;
      std::uint64_t enabled;
      std::uint64_t running;
    } count;
    const ssize_t got = ::read(file, &count, sizeof count);
    if (got != static_cast<ssize_t>(sizeof count)) throw_errno(got < 0 ? errno : EIO);
    if (count.running == 0 || count.running >= count.enabled) return count.value;
    return static_cast<std::uint64_t>(static_cast<long double>(count.value) / static_cast<long double>(count.running) *
                                      static_cast<long double>(count.enabled));
  }
#else
  static int open_event(const Event&) noexcept {
    errno = ENOSYS;
    return -1;
  }
  static std::uint64_t read_event(int) { throw_errno(ENOSYS); }
#endif

  std::vector<int> files_;
};

}  // namespace

void register_counters(py::module_& module) {
  py::class_<Counters>(module, "Counters",
                       "Counts events, each a (type, config) of perf_event_open, in user mode, for the calling thread "
                       "and the threads that it starts later. OSError where the kernel refuses one.")
      .def(py::init<const std::vector<Event>&>(), py::arg("events"))
      .def("read", &Counters::read,
           "Counts since the start, in the order of the events, extended to the whole time where an event was counted "
           "for a part of it; 0 where it was never counted.")
      .def("close", &Counters::close);
}

}  // namespace serialprof
