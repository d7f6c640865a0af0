#pragma once
#include <c10/core/Device.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace remote {

struct ConnectOptions {
  /// How long to wait for a worker's answer. An address where nobody listens fails at once.
  std::chrono::milliseconds timeout{5000};
  /// After this long without a sign of life a worker is taken for lost.
  std::chrono::milliseconds keepalive_timeout{120000};
  /// What the workers ask for, when they ask for one. Empty: the first line of the file that REMOTE_CREDENTIAL_FILE
  /// names, if it names one.
  std::string credential;
  /// Prints each synchronisation and its place to stderr, as REMOTE_WARN_SYNC=1 does.
  bool warn_sync = false;
  /// Errors of a worker say which line recorded the failed op, where the program has debug information (-g), else which
  /// function. Costs a few microseconds an op; REMOTE_RECORD_SITES=1 does it, too.
  bool record_sites = false;
};

/// Connects remote:0, remote:1, ... to the workers at these addresses, in order: "host:port", "[::1]:7070",
/// "unix:/path", or "embedded", "embedded:cpu", "embedded:cuda:0" for a worker in this process, which computes with as
/// many threads as LibTorch has now (at::set_num_threads() comes before).
///
/// A program need not call it: the first use of remote:N connects to the N-th address of REMOTE_WORKERS, or to an
/// embedded worker. Blocks for a round trip. Calling it again with the same addresses does nothing. Thread-safe.
///
/// Other threads wait meanwhile where they open or look up a session, stats() among them; those that record don't.
///
/// Throws remote::Error, and connects none of the workers that were left: UNAVAILABLE (nobody listens there),
/// FAILED_PRECONDITION (another protocol version), INVALID_ARGUMENT (no address, or none that can be read),
/// UNAUTHENTICATED, UNIMPLEMENTED (a build without gRPC), ALREADY_EXISTS (the device is connected elsewhere;
/// disconnect() first).
void connect(const std::vector<std::string>& addresses, const ConnectOptions& options = {});

/// Ends the session of a device, or of all: what was recorded before is run first, for which this waits, then the
/// worker frees everything it holds for it. The device's tensors become unusable; the device can be connected again.
/// Throws the error that nobody has seen yet, after disconnecting. Does nothing where nothing is connected.
void disconnect(std::optional<c10::Device> device = std::nullopt);

/// Waits until everything recorded so far has run, on one device or on all that are connected, and throws the error
/// that nobody has seen yet, if there is one (each once; errors of several devices in one text, after waiting for all).
/// One round trip a device. Counts as a synchronisation. DEADLINE_EXCEEDED after `timeout`.
void synchronize(std::optional<c10::Device> device = std::nullopt,
                 std::optional<std::chrono::milliseconds> timeout = std::nullopt);

/// Makes tensors usable again that a skipped op would have written: they keep the values they had. A call that throws
/// an error does the same, so that a program which catches it can go on; this one is for those who learnt of the error
/// otherwise, from RemoteTensor::status(). Tensors that a failed op has written in part stay unusable until they are
/// overwritten as a whole. A record in the stream of one device, or of all; does not wait.
void clear_errors(std::optional<c10::Device> device = std::nullopt);

}  // namespace remote
