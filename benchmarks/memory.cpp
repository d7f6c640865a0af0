// rt-bench-memory: what a tensor costs the client that has it on a worker in another process. See README.md.
#include <ATen/ATen.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <vector>

#include <remote/connect.h>
#include <remote/device/error.h>
#include <remote/stats.h>

#include "apps/common/exit_code.h"
#include "apps/common/guarded_main.h"
#include "benchmarks/arguments.h"
#include "benchmarks/machine.h"
#include "benchmarks/places.h"
#include "benchmarks/report.h"

namespace remote::bench {
namespace {

/// What a tensor may cost.
constexpr double kAllowedBytes = 1024;
/// Of tensors that the worker has not been told of: enough for a page to be nothing.
constexpr int kHandles = 10000;
/// Fewer tensors than this cost less than the page by which memory grows.
constexpr int kFewTensors = 8;
constexpr int kPasses = 3;

/// Resident bytes of this process, after what was freed has gone back to the kernel.
double resident_bytes() {
  malloc_trim(0);
  std::ifstream file("/proc/self/statm");
  uint64_t size = 0, resident = 0;
  file >> size >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

struct Growth {
  int count = 0;
  double bytes = 0;
  /// What the worker held meanwhile, by its own count.
  uint64_t worker_bytes = 0;
  double each() const { return bytes / count; }
};

/// Makes tensors and says how much this process has grown meanwhile.
Growth grow_once(int count, const Place& place, const std::function<at::Tensor()>& make) {
  std::vector<at::Tensor> tensors(static_cast<size_t>(count));
  place.finish();
  const double before = resident_bytes();
  for (at::Tensor& tensor : tensors) tensor = make();
  place.finish();
  const double grown = resident_bytes() - before;
  return {count, std::max(0.0, grown), worker_stats(place.device).storage_bytes};
}

/// The least of several passes: a connection's buffers that grow just then are no tensor's.
Growth grow_by(int count, const Place& place, const std::function<at::Tensor()>& make) {
  Growth least = grow_once(count, place, make);
  for (int pass = 1; pass < kPasses; ++pass) {
    const Growth next = grow_once(count, place, make);
    if (next.bytes < least.bytes) least = next;
  }
  return least;
}

class Measurement {
 public:
  Measurement(const Place& place, uint64_t budget_bytes) : place_(place), budget_bytes_(budget_bytes) {}

  /// `wanted`: how many tensors there shall be on the worker, where its memory allows.
  void add(int64_t side, int wanted, Table& table) {
    const uint64_t bytes = static_cast<uint64_t>(side) * static_cast<uint64_t>(side) * sizeof(float);
    const int count = static_cast<int>(std::clamp<uint64_t>(budget_bytes_ / bytes, 1, static_cast<uint64_t>(wanted)));
    const Growth real = grow_by(count, place_, [&] { return at::zeros({side, side}, place_.device); });
    if (real.worker_bytes < bytes * static_cast<uint64_t>(count)) {
      throw_error(StatusCode::kInternal, "the worker held " + std::to_string(real.worker_bytes) + " bytes for " +
                                             std::to_string(count) + " tensors of " + std::to_string(bytes));
    }
    const Growth handles = grow_by(kHandles, place_, [&] { return at::empty({side, side}, place_.device); });
    const std::string shape = std::to_string(side) + "x" + std::to_string(side);
    table.rows.push_back({shape + (wanted == 1000 && side == 1000 ? ", 1000 of them" : ""),
                          Cell(static_cast<double>(bytes), 0), Cell(count, 0),
                          Cell(static_cast<double>(real.worker_bytes) / 1e6, 1), Cell(real.bytes / 1e3, 1),
                          Cell(real.each(), 0), Cell(handles.each(), 0)});
    if (count >= kFewTensors) {
      table.verdicts.push_back({"bytes a tensor of " + shape + " on the worker", real.each(), Verdict::Bound::kAtMost,
                                kAllowedBytes});
    }
    table.verdicts.push_back({"bytes a handle of " + shape, handles.each(), Verdict::Bound::kAtMost, kAllowedBytes});
  }

 private:
  const Place& place_;
  const uint64_t budget_bytes_;
};

int body(int argc, const char* const* argv) {
  Arguments arguments;
  if (auto code = parse_arguments(argc, argv, "rt-bench-memory",
                                  "Measures what a tensor costs the client that has it on a worker.", {}, arguments)) {
    return *code;
  }
  use_one_thread();
  Report report(arguments.command_line);
  const WorkerProcess worker(arguments.worker_binary, "127.0.0.1:0");
  connect({worker.address()});
  const Place place{"loopback TCP", c10::Device(c10::DeviceType::PrivateUse1, 0), worker.pid()};
  const uint64_t budget =
      arguments.quick ? 64 << 20 : std::min<uint64_t>(uint64_t{4200} << 20, available_memory_bytes() / 2);

  // What every program has once: buffers of the connection, numbers of ops.
  grow_once(kHandles, place, [&] { return at::zeros({1}, place.device); });
  Table table{"memory",
              "Client memory",
              {"float32 tensor", "bytes each", "on the worker", "worker MB", "client growth KB", "growth/tensor",
               "growth/handle"},
              {},
              {},
              {}};
  Measurement measurement(place, budget);
  measurement.add(100, 10000, table);
  measurement.add(1000, 500, table);
  measurement.add(2000, 250, table);
  measurement.add(3000, 100, table);
  if (!arguments.quick) measurement.add(10000, 10, table);
  measurement.add(1000, 1000, table);
  table.notes = {"Growth: of this process's resident set, from /proc/self/statm after malloc_trim, the least of " +
                     std::to_string(kPasses) +
                     " passes. On the worker: so many tensors were made there by zeros(), and its own count of their "
                     "bytes is beside it.",
                 "Handle: one of " + std::to_string(kHandles) +
                     " tensors by empty(), of which the worker has not been told: more of them than it has memory "
                     "for, so that a page of 4096 bytes is nothing. Of large tensors there are few, so a page shows; "
                     "of fewer than " +
                     std::to_string(kFewTensors) + " it says nothing."};
  const bool kept = std::ranges::all_of(table.verdicts, &Verdict::kept);
  report.add(std::move(table));
  report.print_verdicts();
  if (!arguments.json.empty()) report.write_json(arguments.json);
  disconnect();
  return kept ? app::kExitDone : app::kExitFailed;
}

}  // namespace
}  // namespace remote::bench

int main(int argc, char** argv) {
  return remote::app::guarded_main("rt-bench-memory", [&] { return remote::bench::body(argc, argv); });
}
