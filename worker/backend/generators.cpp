#include <worker/backend/generators.h>

#include <ATen/ATen.h>
#include <ATen/Context.h>

#include <cstring>

namespace remote::worker {
namespace {

constexpr size_t kMaxGenerators = 1 << 16;

Status unknown(uint64_t id) {
  return {StatusCode::kNotFound, "there is no generator " + std::to_string(id) + " in this session"};
}

}  // namespace

Generators::Generators(Device& device) : device_(device), default_(device.make_generator(c10::default_rng_seed_val)) {}

at::Generator Generators::find(uint64_t id) const {
  if (id == 0) return default_;
  const auto found = others_.find(id);
  return found == others_.end() ? at::Generator() : found->second;
}

Status Generators::add(uint64_t id, at::Generator generator) {
  if (id == 0 || others_.contains(id)) {
    return {StatusCode::kAlreadyExists, "generator " + std::to_string(id) + " exists already"};
  }
  if (others_.size() >= kMaxGenerators) {
    return {StatusCode::kResourceExhausted, "this session has " + std::to_string(others_.size()) +
                                                " generators already, the most that a worker allows"};
  }
  others_.emplace(id, std::move(generator));
  return {};
}

Status Generators::create(uint64_t id, uint64_t seed) {
  return add(id, device_.make_generator(seed));
}

Status Generators::seed(uint64_t id, uint64_t seed) {
  at::Generator generator = find(id);
  if (!generator.defined()) return unknown(id);
  generator.set_current_seed(seed);
  return {};
}

Status Generators::fork(uint64_t from, uint64_t to) {
  const at::Generator generator = find(from);
  if (!generator.defined()) return unknown(from);
  return add(to, generator.clone());
}

void Generators::release(uint64_t id) {
  others_.erase(id);
}

StatusOr<std::string> Generators::state(uint64_t id) const {
  const at::Generator generator = find(id);
  if (!generator.defined()) return unknown(id);
  const at::Tensor state = generator.get_state();
  return std::string(static_cast<const char*>(state.const_data_ptr()), state.nbytes());
}

Status Generators::set_state(uint64_t id, std::string_view state) {
  at::Generator generator = find(id);
  if (!generator.defined()) return unknown(id);
  at::Tensor bytes = at::empty({static_cast<int64_t>(state.size())}, at::TensorOptions(at::kByte).device(at::kCPU));
  if (!state.empty()) std::memcpy(bytes.mutable_data_ptr(), state.data(), state.size());
  generator.set_state(bytes);
  return {};
}

void Generators::clear() {
  others_.clear();
  default_ = {};
}

void run_native_dropout(torch::jit::Stack& stack, const at::Generator& generator) {
  const std::optional<bool> train = torch::jit::pop(stack).toOptional<bool>();
  const double p = torch::jit::pop(stack).toDouble();
  const at::Tensor input = torch::jit::pop(stack).toTensor();
  at::Tensor output, mask;
  if (input.numel() == 0) {
    output = input.clone();
    mask = at::empty_like(input, input.options().dtype(at::kBool));
  } else if (train.value_or(true)) {
    const double keep = 1. - p;
    mask = at::empty_like(input, input.options().dtype(at::kBool));
    mask.bernoulli_(keep, generator);
    output = input.mul(mask).mul_(keep == 0 ? 0. : 1. / keep);
  } else {
    mask = at::ones(input.sizes(), input.options().dtype(at::kBool));
    output = input.clone();
  }
  torch::jit::push(stack, std::move(output), std::move(mask));
}

DefaultGeneratorScope::DefaultGeneratorScope(const Device& device, at::Generator generator) {
  if (device.is_cpu()) return;
  generator_ = std::move(generator);
  process_default_ = at::globalContext().defaultGenerator(device.device());
  process_default_.set_state(generator_.get_state());
}

DefaultGeneratorScope::~DefaultGeneratorScope() {
  if (!process_default_.defined()) return;
  try {
    generator_.set_state(process_default_.get_state());
  } catch (const std::exception&) {
    // Only when the device is lost, and then every session ends.
  }
}

}  // namespace remote::worker
