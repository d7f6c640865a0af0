#pragma once
#include <ATen/core/Generator.h>
#include <ATen/core/stack.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include <remote/base/status.h>
#include <worker/backend/device.h>

namespace remote::worker {

/// The random number generators of one session. Id 0 is its default one, which exists from the start. The process' own
/// CPU generator is never used. Used by one thread at a time.
class Generators {
 public:
  explicit Generators(Device& device);

  /// Undefined when there is none with this id.
  at::Generator find(uint64_t id) const;
  const at::Generator& default_generator() const { return default_; }

  /// ALREADY_EXISTS, RESOURCE_EXHAUSTED.
  Status create(uint64_t id, uint64_t seed);
  Status seed(uint64_t id, uint64_t seed);
  /// `to` goes on with the state that `from` has now.
  Status fork(uint64_t from, uint64_t to);
  /// The default one can't be released.
  void release(uint64_t id);
  /// The bytes of the generator's own get_state().
  StatusOr<std::string> state(uint64_t id) const;
  Status set_state(uint64_t id, std::string_view state);
  void clear();

 private:
  Status add(uint64_t id, at::Generator generator);

  Device& device_;
  at::Generator default_;
  std::unordered_map<uint64_t, at::Generator> others_;
};

/// Runs aten::native_dropout (input, p, train on the stack) with this generator. The op takes none, and its kernel
/// would draw from the process' own; the bits are those that the kernel gives when that one is in the same state.
void run_native_dropout(torch::jit::Stack& stack, const at::Generator& generator);

/// Lets ops of a CUDA device that take no generator draw from this one: it takes the place of the device's default
/// while this lives. Nothing happens on a CPU.
class DefaultGeneratorScope {
 public:
  DefaultGeneratorScope(const Device& device, at::Generator generator);
  ~DefaultGeneratorScope();
  DefaultGeneratorScope(const DefaultGeneratorScope&) = delete;
  DefaultGeneratorScope& operator=(const DefaultGeneratorScope&) = delete;

 private:
  at::Generator generator_;
  at::Generator process_default_;  // undefined: nothing to give back
};

}  // namespace remote::worker
