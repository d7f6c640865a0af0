#pragma once
#include <ATen/core/stack.h>
#include <c10/util/SmallVector.h>

#include <cstdint>
#include <string>

#include <remote/wire/record.h>
#include <worker/backend/arguments.h>
#include <worker/backend/errors.h>
#include <worker/backend/outputs.h>
#include <worker/backend/session_state.h>

namespace remote::worker {

/// Runs the ops of one session: reads a run record, looks its arguments up, calls the op, puts the results in place,
/// and does the book-keeping of Note [Poisoned and stale] when anything goes wrong. Used on the executor thread.
class Runner {
 public:
  Runner(Core& core, SessionState& state)
      : core_(core),
        state_(state),
        arguments_(*core.device, state.storages, state.generators),
        outputs_(*core.device, state.storages) {}

  /// Reads the rest of a run record and runs it. INVALID_ARGUMENT when the bytes are no such record: the stream can't
  /// go on. Whatever happens to the op itself is no error of this call.
  Status run(wire::ByteReader& in, uint64_t sequence);

 private:
  struct Call {
    const Operation& operation;
    uint64_t sequence;
    uint64_t scope;
    wire::ByteReader arguments;  ///< their bytes, for an error's text
    wire::OutputMode mode = wire::OutputMode::kNone;
    uint64_t request = 0;
    uint64_t first_id = 0;
  };

  void read_arguments(wire::ByteReader& in, const Operation& operation);
  bool read_outputs(wire::ByteReader& in, Call& call);
  void declare_outputs(const Call& call);
  /// Ok when the op can start.
  Status check(const Call& call) const;
  void execute(const Call& call);
  /// With the arguments on the stack: integers become the default dtype in a quotient or beside a Double, an op without
  /// tensors makes one, and one that isn't LibTorch's does what it likes. Floating-point and complex tensors keep their
  /// own.
  bool may_read_default_dtype(const Operation& operation) const;
  OperationPlace place_of(const Call& call) const;
  void invoke(const Operation& operation);
  Status collect(const Call& call, std::vector<wire::OutputMeta>& metas);
  void skip(const Call& call, const RootErrorPtr& root);
  void fail(const Call& call, const Status& status, bool started);
  void answer(const Call& call, const RootErrorPtr& root);

  Core& core_;
  SessionState& state_;
  Arguments arguments_;
  Outputs outputs_;
  torch::jit::Stack stack_;
  c10::SmallVector<wire::OutputDeclaration, 4> declarations_;
  c10::SmallVector<StorageEntry*, 4> declared_;
};

}  // namespace remote::worker
