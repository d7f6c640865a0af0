// Uploads and fetches, in MB/s, beside what a plain socket of this machine carries in the same run.
#include <ATen/ATen.h>

#include <deque>
#include <functional>
#include <string>

#include "benchmarks/cpu_time.h"
#include "benchmarks/raw_socket.h"
#include "benchmarks/sampling.h"
#include "benchmarks/subjects.h"

namespace remote::bench {
namespace {

/// Where the bytes of a transfer go: to a new tensor, whose memory the system clears first, or always to the same one.
enum class Target { kNew, kSame };

/// One tensor's way to a worker and back.
class Transfer {
 public:
  Transfer(const Place& place, const at::Tensor& values, Target target)
      : place_(place), target_(target), values_(values) {
    if (target_ == Target::kNew) return;
    remote_ = values_.to(place_.device);
    local_ = values_.clone();
    place_.finish();
  }

  double upload() {
    const CpuTime began = CpuTime::now(place_.worker);
    const Stopwatch watch;
    if (target_ == Target::kNew) {
      remote_ = values_.to(place_.device);
    } else {
      remote_.copy_(values_);
    }
    place_.finish();
    const double seconds = watch.seconds();
    up_cpu_.push_back(cpu_since(began));
    return seconds;
  }
  double fetch() {
    const CpuTime began = CpuTime::now(place_.worker);
    const Stopwatch watch;
    const at::Tensor fetched = target_ == Target::kNew ? remote_.cpu() : local_.copy_(remote_);
    const double seconds = watch.seconds();
    down_cpu_.push_back(cpu_since(began));
    return seconds;
  }
  double up_cpu() const { return median(up_cpu_); }
  double down_cpu() const { return median(down_cpu_); }

 private:
  double cpu_since(const CpuTime& began) const {
    const CpuTime used = CpuTime::now(place_.worker) - began;
    return used.process + used.worker;
  }

  const Place& place_;
  const Target target_;
  const at::Tensor values_;
  at::Tensor remote_, local_;
  Series up_cpu_, down_cpu_;
};

}  // namespace

Table bulk(Bench& bench) {
  const bool quick = bench.arguments.quick;
  const uint64_t bytes = quick ? 4 << 20 : 128 << 20;
  const size_t rounds = quick ? 1 : 7;
  Table table{"bulk",
              "Bulk data",
              {"way", "up MB/s", "down MB/s", "up / raw", "down / raw", "CPU s/GB up", "CPU s/GB down"},
              {},
              {},
              {}};

  const at::Tensor values = at::ones({static_cast<int64_t>(bytes / sizeof(float))});
  RawSocketPeer raw_unix(RawSocketPeer::Kind::kUnix, bytes), raw_tcp(RawSocketPeer::Kind::kTcp, bytes);
  Places& places = bench.places;
  struct Way {
    const char* name;
    Transfer transfer;
    size_t raw;  // the index in `times` of the raw socket that it is compared with
    double budget;
  };
  std::deque<Way> ways;  // never moves what it holds
  for (const Target target : {Target::kSame, Target::kNew}) {
    const bool is_new = target == Target::kNew;
    ways.push_back(
        {is_new ? "unix socket, new tensors" : "unix socket", {places.unix_socket(), values, target}, 0, 1.0});
    ways.push_back({is_new ? "loopback TCP, new tensors" : "loopback TCP", {places.tcp(), values, target}, 2, 0.4});
    ways.push_back({is_new ? "embedded, new tensors" : "embedded", {places.embedded(), values, target}, 0, 1.0});
  }
  std::vector<std::function<double()>> candidates = {
      [&] { return raw_unix.upload(); }, [&] { return raw_unix.download(); }, [&] { return raw_tcp.upload(); },
      [&] { return raw_tcp.download(); }};
  const size_t first_way = candidates.size();
  for (Way& way : ways) {
    candidates.push_back([&way] { return way.transfer.upload(); });
    candidates.push_back([&way] { return way.transfer.fetch(); });
  }
  const std::vector<Series> times = interleave(candidates, rounds);

  const auto speed = [&](const Series& series) { return static_cast<double>(bytes) / 1e6 / median(series); };
  const auto per_gigabyte = [&](double seconds) { return Cell(seconds / (static_cast<double>(bytes) / 1e9), 2); };
  const auto raw_row = [&](const char* name, size_t first) {
    table.rows.push_back({name, Cell(speed(times[first]), 0), Cell(speed(times[first + 1]), 0), "1", "1", "-", "-"});
  };
  raw_row("raw unix socket", 0);
  raw_row("raw TCP socket", 2);
  for (size_t i = 0; i < ways.size(); ++i) {
    const auto& [name, transfer, raw, budget] = ways[i];
    const Series& uploads = times[first_way + 2 * i];
    const Series& fetches = times[first_way + 2 * i + 1];
    // A ratio of times is the inverse of one of speeds.
    const double up = 1 / median_ratio(uploads, times[raw]), down = 1 / median_ratio(fetches, times[raw + 1]);
    table.rows.push_back({name, Cell(speed(uploads), 0), Cell(speed(fetches), 0), Cell(up, 2), Cell(down, 2),
                          per_gigabyte(transfer.up_cpu()), per_gigabyte(transfer.down_cpu())});
    table.verdicts.push_back({std::string("upload, ") + name + " / raw socket", up, Verdict::Bound::kAtLeast, budget});
    table.verdicts.push_back({std::string("fetch, ") + name + " / raw socket", down, Verdict::Bound::kAtLeast, budget});
  }
  table.notes = {
      std::to_string(bytes >> 20) + " MiB a transfer, medians of " + std::to_string(rounds) +
          " rounds in turn. The raw sockets use the same memory again, and so do transfers into a tensor that exists; "
          "the memory of new tensors is cleared by the system first.",
      "Embedded is compared with the raw unix socket. CPU: this process and the worker's, per 1e9 bytes. One gRPC "
      "channel."};
  return table;
}

}  // namespace remote::bench
