#pragma once
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <remote/base/status.h>
#include <remote/wire/precision.h>
#include <worker/backend/device.h>

namespace remote::worker {

/// What a run of an op needs to know about it, worked out once from its schema. Immutable.
struct Operation {
  /// What a value on the stack must be; a kernel would throw or worse.
  enum class Kind : uint8_t {
    kTensor,
    kTensorList,
    kOptionalTensorList,
    kInt,
    kDouble,
    kBool,
    kNumber,
    kString,
    kDevice,
    kGenerator,
    kIntList,
    kDoubleList,
    kBoolList,
    kNumberList,
    kUnsupported,
  };
  struct Argument {
    std::string name;
    Kind kind = Kind::kUnsupported;
    bool optional = false;
    bool writes = false;
    /// If it writes, it writes every element and reads none: an `out` argument, or `self` of fill_, copy_, normal_, ...
    bool overwrites = false;
    bool out = false;
  };
  /// How an op that draws random numbers and has no argument for the generator gets one.
  enum class Draws : uint8_t {
    kNothing,     ///< it does not draw, or has the argument
    kAsDropout,   ///< native_dropout: computed from bernoulli_
    kUnlessZero,  ///< draws where its probability is not 0 and it is training: attention, recurrent layers
    kAlways,
  };

  std::string name;  ///< "aten::mm.out"
  /// Why a run of it fails; else `handle` is there.
  Status refusal;
  std::optional<c10::OperatorHandle> handle;
  std::vector<Argument> arguments;
  int generator_argument = -1;
  Draws draws = Draws::kNothing;
  int probability_argument = -1;
  int train_argument = -1;
  wire::Products products;
  /// Its last argument is a workspace, which its kernel reads without a look at the size.
  bool reads_workspace = false;
  /// Its kernel may ask whether two arguments are one tensor, as those of out variants do.
  bool compares_arguments = false;
  /// Autograd sees what its kernel does, as anywhere: that of an op of one's own which has no autograd kernel.
  bool runs_above_autograd = false;
  /// All that it returns are tensors or lists of them.
  bool returns_tensors = true;

  /// Whether a value fits an argument.
  static bool accepts(const Argument& argument, const c10::IValue& value);
};

/// The ops that this worker may run, by schema. Used on the executor thread.
class OperationTable {
 public:
  OperationTable(const Device& device, std::vector<std::string> allowed_namespaces, bool allows_all_namespaces);

  /// What a client's op number stands for. An op that can't be run (not allowed, unknown here, another schema here) is
  /// an Operation with a refusal, so that the stream goes on. INVALID_ARGUMENT: the text is no schema at all.
  StatusOr<std::shared_ptr<const Operation>> find(std::string_view name, std::string_view overload,
                                                  std::string_view schema);

 private:
  std::shared_ptr<const Operation> make(std::string_view name, std::string_view overload, const std::string& schema);
  Status check_allowed(std::string_view name) const;

  const bool cpu_;
  const std::vector<std::string> allowed_namespaces_;
  const bool allows_all_namespaces_;
  std::unordered_map<std::string, std::shared_ptr<const Operation>> operations_;  // by schema; LibTorch's that can run
};

}  // namespace remote::worker
