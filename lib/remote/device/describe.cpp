#include <remote/device/describe.h>

#include <sstream>

#include <remote/device/error.h>
#include <remote/device/generator.h>
#include <remote/wire/limits.h>

namespace remote::device {

bool Describer::describe(const at::Tensor& tensor, wire::TensorRef& ref) {
  if (!is_remote(tensor) || tensor.device().index() != device_) return false;
  const auto& impl = *tensor.unsafeGetTensorImpl();
  auto* context = context_of(impl);
  if (context == nullptr) return false;
  ref.storage = context->id;
  ref.dtype = tensor.scalar_type();
  ref.conj = tensor.is_conj();
  ref.neg = tensor.is_neg();
  ref.offset = impl.storage_offset();
  const auto sizes = impl.sizes(), strides = impl.strides();
  check_within_limits(sizes);
  ref.sizes.assign(sizes.begin(), sizes.end());
  ref.strides.assign(strides.begin(), strides.end());
  if (const auto fresh_bytes = context->announce()) {
    announced_.push_back(context);
    ref.fresh = true;
    ref.fresh_bytes = *fresh_bytes;
  }
  return true;
}

StatusOr<uint64_t> Describer::describe(const at::Generator& generator) {
  const auto* remote = dynamic_cast<RemoteGenerator*>(generator.unsafeGetGeneratorImpl());
  if (remote == nullptr || generator.device().index() != device_) {
    return Status(StatusCode::kInvalidArgument,
                  "expected a generator of remote:" + std::to_string(device_) + ", but got one on " +
                      generator.device().str() + "; make it with at::Generator of the tensor's device, or pass none");
  }
  return remote->id();
}

void Describer::forget() {
  for (auto* context : announced_) context->announced = false;
  announced_.clear();
}

void check_within_limits(c10::IntArrayRef sizes) {
  if (sizes.size() > wire::kMaxRank) {
    throw_error(StatusCode::kInvalidArgument, "remote: a tensor of " + std::to_string(sizes.size()) +
                                                  " dimensions was used, and a worker takes at most " +
                                                  std::to_string(wire::kMaxRank) + "; flatten some of them");
  }
  if (!wire::view_elements(sizes)) {
    std::ostringstream text;
    text << "remote: a tensor of sizes " << sizes << " was used, and a worker takes at most " << wire::kMaxViewElements
         << " elements; are its sizes what they should be?";
    throw_error(StatusCode::kResourceExhausted, text.str());
  }
}

std::string describe_for_people(const at::Tensor& tensor) {
  if (!tensor.defined()) return "no tensor";
  std::ostringstream text;
  text << c10::toString(tensor.scalar_type()) << ' ' << tensor.sizes() << " on " << tensor.device();
  return text.str();
}

}  // namespace remote::device
