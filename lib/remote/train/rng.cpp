#include <remote/train/rng.h>

#include <ATen/Context.h>
#include <ATen/core/Generator.h>

#include <mutex>

#include <remote/device/error.h>

namespace remote::train {

void seed_rng(c10::Device device, uint64_t seed) {
  at::Generator generator = at::globalContext().defaultGenerator(device);
  std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_current_seed(seed);
}

at::Tensor rng_state(c10::Device device) {
  at::Generator generator = at::globalContext().defaultGenerator(device);
  std::lock_guard<std::mutex> lock(generator.mutex());
  return generator.get_state();
}

void set_rng_state(c10::Device device, const at::Tensor& state) {
  at::Generator generator = at::globalContext().defaultGenerator(device);
  std::lock_guard<std::mutex> lock(generator.mutex());
  try {
    generator.set_state(state);
  } catch (const c10::Error& error) {
    throw_error(StatusCode::kFailedPrecondition,
                "the random numbers can't continue on " + device.str() +
                    " where the checkpoint left off; was it made on another kind of device? " +
                    error.what_without_backtrace());
  }
}

}  // namespace remote::train
