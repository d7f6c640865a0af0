// Uploads and fetches, in MB/s, beside what a plain socket of this machine carries in the same run.
#include <ATen/ATen.h>

#include <remote/tensor/remote_tensor.h>

#include "benchmarks/cpu_time.h"
#include "benchmarks/raw_socket.h"
#include "benchmarks/sampling.h"
#include "benchmarks/subjects.h"

namespace remote::bench {
namespace {

/// One tensor's way to a worker and back.
class Transfer {
 public:
  Transfer(const Place& place, const at::Tensor& values) : place_(place), values_(values) {}

  double upload() {
    const CpuTime began = CpuTime::now(place_.worker);
    const Stopwatch watch;
    tensor_ = RemoteTensor::from_local(values_, place_.device);
    place_.finish();
    const double seconds = watch.seconds();
    up_cpu_.push_back(cpu_since(began));
    return seconds;
  }
  double fetch() {
    const CpuTime began = CpuTime::now(place_.worker);
    const Stopwatch watch;
    const at::Tensor fetched = tensor_.to_local();
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
  const at::Tensor values_;
  RemoteTensor tensor_;
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
  Transfer embedded(places.embedded(), values), unix_socket(places.unix_socket(), values), tcp(places.tcp(), values);
  const std::vector<Series> times = interleave(
      {[&] { return raw_unix.upload(); }, [&] { return raw_unix.download(); }, [&] { return unix_socket.upload(); },
       [&] { return unix_socket.fetch(); }, [&] { return raw_tcp.upload(); }, [&] { return raw_tcp.download(); },
       [&] { return tcp.upload(); }, [&] { return tcp.fetch(); }, [&] { return embedded.upload(); },
       [&] { return embedded.fetch(); }},
      rounds);

  const auto speed = [&](const Series& series) { return static_cast<double>(bytes) / 1e6 / median(series); };
  const auto per_gigabyte = [&](double seconds) { return Cell(seconds / (static_cast<double>(bytes) / 1e9), 2); };
  const auto raw_row = [&](const char* name, size_t first) {
    table.rows.push_back({name, Cell(speed(times[first]), 0), Cell(speed(times[first + 1]), 0), "1", "1", "-", "-"});
  };
  const auto row = [&](const Transfer& transfer, const std::string& name, size_t first, size_t raw, double budget) {
    // A ratio of times is the inverse of one of speeds.
    const double up = 1 / median_ratio(times[first], times[raw]),
                 down = 1 / median_ratio(times[first + 1], times[raw + 1]);
    table.rows.push_back({name, Cell(speed(times[first]), 0), Cell(speed(times[first + 1]), 0), Cell(up, 2),
                          Cell(down, 2), per_gigabyte(transfer.up_cpu()), per_gigabyte(transfer.down_cpu())});
    table.verdicts.push_back({"upload, " + name + " / raw socket", up, Verdict::Bound::kAtLeast, budget});
    table.verdicts.push_back({"fetch, " + name + " / raw socket", down, Verdict::Bound::kAtLeast, budget});
  };
  raw_row("raw unix socket", 0);
  row(unix_socket, "unix socket", 2, 0, 1.0);
  raw_row("raw TCP socket", 4);
  row(tcp, "loopback TCP", 6, 4, 0.4);
  row(embedded, "embedded", 8, 0, 1.0);
  table.notes = {
      std::to_string(bytes >> 20) + " MiB a transfer, medians of " + std::to_string(rounds) +
          " rounds in turn. A fetch makes a new tensor each time; the raw sockets use the same memory again.",
      "Embedded is compared with the raw unix socket. CPU: this process and the worker's, per 1e9 bytes. One gRPC "
      "channel."};
  return table;
}

}  // namespace remote::bench
