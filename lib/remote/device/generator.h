#pragma once
#include <ATen/core/Generator.h>
#include <c10/core/GeneratorImpl.h>

#include <cstdint>
#include <mutex>

namespace remote::client {
class Session;
}

namespace remote::device {

/// A random number generator that lives on a worker; this object holds its id and the seed it last got. Seeding,
/// drawing and forking are records in the stream; reading the state is a round trip. A seed set before the device is
/// connected counts; on a device that was connected anew, the generator starts from its seed. Thread-safe.
class RemoteGenerator final : public c10::GeneratorImpl {
 public:
  /// Id 0 is the session's default generator, which exists from the start; any other is created on first use.
  RemoteGenerator(c10::DeviceIndex device, uint64_t id);
  ~RemoteGenerator() override;

  void set_current_seed(uint64_t seed) override;
  /// A state says all there is to say: the offset is 0, and any other throws.
  void set_offset(uint64_t offset) override;
  uint64_t get_offset() const override;
  uint64_t current_seed() const override { return seed_; }
  uint64_t seed() override;
  /// The state as a CPU byte tensor, as the worker's generator gives it. One round trip.
  c10::intrusive_ptr<c10::TensorImpl> get_state() const override;
  void set_state(const c10::TensorImpl& state) override;

  uint64_t id() const { return id_; }
  /// The id, after the generator was made on the worker where that has not happened yet. Not inside Session::record().
  uint64_t wire_id();
  /// Sends a new session the seed that was set before it existed. For the default generator, by whoever connects.
  void announce(client::Session& session);

 private:
  RemoteGenerator* clone_impl() const override;
  /// What LibTorch has callers lock; Python's bindings do.
  std::mutex& callers_mutex() const { return const_cast<RemoteGenerator*>(this)->mutex_; }

  uint64_t id_;
  uint64_t seed_;
  bool seeded_ = false;  // set_current_seed was called
  mutable std::mutex seed_mutex_;
  /// Whose worker knows the id; sessions are never destroyed. Guarded by seed_mutex_. Id 0 is known to all.
  const client::Session* created_in_ = nullptr;
};

/// The default generator of a device. The object exists from load, without a connection.
const at::Generator& default_generator(c10::DeviceIndex device);
at::Generator new_generator(c10::DeviceIndex device);

}  // namespace remote::device
