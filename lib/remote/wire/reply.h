#pragma once
#include <c10/core/DeviceType.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <remote/base/status.h>
#include <remote/wire/bytes.h>
#include <remote/wire/dtype_set.h>
#include <remote/wire/limits.h>
#include <remote/wire/tensor_ref.h>

namespace remote::wire {

/// An op that failed by itself. Ops skipped because they depend on it are not failures of their own.
struct Failure {
  uint64_t sequence = 0;  ///< 0: no op, the session itself has ended (a protocol error, a lost device)
  Status status;       ///< names the op, its inputs' shapes and dtypes, and the scope or parameter
};

/// The answer to a record that carried a request.
struct RequestedValue {
  uint64_t request = 0;
  Status status;                 ///< of the record itself, or the root error of what it depends on
  uint64_t failed_sequence = 0;  ///< of that root error, so that it is reported once
  std::string bytes;             ///< the values asked for, when they travel here; else empty
  bool bulk = false;             ///< the values come over the bulk connection, as transfer `request`
  uint64_t bulk_bytes = 0;
  std::vector<OutputMeta> outputs;  ///< in reply to OutputMode::kAsk
};

/// What the worker says: two watermarks, and what happened since the last reply.
struct Reply {
  uint64_t received = 0;  ///< every record up to this one has arrived
  uint64_t executed = 0;  ///< every record up to this one has run, or was skipped
  std::vector<Failure> failures;
  std::vector<RequestedValue> values;
  std::vector<std::string> warnings = {};  ///< what ops have warned of, each with the op's name; UTF-8
};

/// A piece of bulk data, in either direction. The bytes belong to the caller and are valid during the call only.
///
/// A piece of a transfer of 0 bytes says that the transfer will not come: the upload that waits for it fails with the
/// code `offset` and the text `bytes`.
struct Chunk {
  uint64_t transfer = 0;
  uint64_t total_bytes = 0;
  uint64_t offset = 0;
  std::string_view bytes;

  bool gives_up() const { return total_bytes == 0; }
};

/// What a worker computes on. Which of LibTorch's kernels runs there, and by that the layout of some results, depends
/// on it.
struct Hardware {
  c10::DeviceType device = c10::DeviceType::CPU;
  uint32_t threads = 0;    ///< that one op may use on a CPU; 0: not said
  DtypeSet onednn_dtypes;  ///< in which oneDNN convolves on a CPU; empty: not said
};

/// What a client says first.
struct Hello {
  uint32_t protocol_version = 0;
  std::string torch_version;
  std::string client_name;   ///< for the worker's log: host and process
  std::string credential;
};

/// What a worker answers.
struct Welcome {
  uint32_t protocol_version = 0;
  std::string torch_version;
  Hardware hardware;
  std::string device_name;      ///< "cpu", "cuda:0 (NVIDIA H200)", ...
  uint64_t session = 0;
  uint64_t incarnation = 0;     ///< drawn when the worker starts: another one means that all state is gone
  std::string peer_address;     ///< where other workers reach this one; empty when they can't
  std::string token;            ///< what a bulk connection to this session has to show; empty without a network
  uint32_t lease_ms = 30000;    ///< how long a session outlives its connection
  Limits limits;
};

/// One session's counters on the worker.
struct SessionStatistics {
  uint64_t ops = 0;
  uint64_t skipped_ops = 0;
  uint64_t failed_ops = 0;
  uint64_t copied_outputs = 0;  ///< results that could not be adopted as they were
  uint64_t storages = 0;
  uint64_t storage_bytes = 0;
};

/// The value that answers Verb::kFetchStatistics: the counters in the order of their declaration, as varints. A reader
/// ignores what a later worker adds behind them.
std::string encode(const SessionStatistics& statistics);
StatusOr<SessionStatistics> decode_session_statistics(std::string_view bytes);

}  // namespace remote::wire
