#pragma once
#include <c10/util/FunctionRef.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include <remote/base/status.h>
#include <remote/wire/precision.h>

namespace remote::worker {

/// One value for each wire::SettingKey; nothing where nobody has said.
using SettingValues = std::array<std::optional<uint64_t>, static_cast<size_t>(wire::SettingKey::kCount)>;

/// LibTorch's state of the whole process, as wire::SettingKey numbers it. A worker of its own gives each session the
/// state that it asked for, when the executor turns to it. Used on the executor thread.
class ProcessSettings {
 public:
  ProcessSettings();
  /// Makes the process' state what a session wants: its own values, and for the rest those that the process started
  /// with.
  void apply(const SettingValues& wanted);

 private:
  SettingValues base_;
  SettingValues applied_;
};

/// The settings that one session wants.
class SessionSettings {
 public:
  /// `shares_process`: the client lives in this process, and the state is compared where it would else be set, but for
  /// what only kernels of another device than the `worker`'s ask for.
  SessionSettings(bool shares_process, c10::DeviceType worker);

  /// INVALID_ARGUMENT for a key or value that is none.
  Status set(uint64_t key, uint64_t value);
  const SettingValues& values() const { return values_; }
  bool shares_process() const { return shares_process_; }
  /// Tells this object from every other of the process.
  uint64_t serial() const { return serial_; }
  /// FAILED_PRECONDITION when the process' state is not the one that was recorded, as far as an op asks for it;
  /// `products` is what that op may compute, and `reads_default_dtype` whether that dtype may matter to it; called
  /// where the dtype was switched. Always ok with a process of its own.
  Status check(wire::Products products, c10::function_ref<bool()> reads_default_dtype) const {
    return shares_process_ ? compare(products, reads_default_dtype) : Status();
  }

 private:
  Status compare(wire::Products products, c10::function_ref<bool()> reads_default_dtype) const;
  Status compare(wire::SettingKey key) const;

  const bool shares_process_;
  const c10::DeviceType worker_;
  const uint64_t serial_;
  SettingValues values_;
};

}  // namespace remote::worker
