#include <worker/backend/errors.h>

#include <c10/util/Exception.h>

#include <new>
#include <sstream>

#include <remote/wire/value.h>

namespace remote::worker {
namespace {

constexpr size_t kMaxMessageBytes = 500;
constexpr size_t kMaxDescribedTensors = 8;

/// The text up to the first line that tells of LibTorch and not of the op, or to the end of the sentence that comes
/// before it is too long.
std::string first_sentences(std::string_view text) {
  for (std::string_view noise : {"\nException raised from", "\nC++ CapturedTraceback", " This could be because",
                                 "\nCUDA kernel errors might be asynchronously"}) {
    text = text.substr(0, text.find(noise));
  }
  if (text.size() > kMaxMessageBytes) {
    const size_t sentence = text.substr(0, kMaxMessageBytes).rfind(". ");
    text = text.substr(0, sentence == text.npos ? kMaxMessageBytes : sentence + 1);
  }
  // "[enforce fail at alloc_cpu.cpp:128] err == 0. DefaultCPUAllocator: ..."
  if (text.starts_with("[enforce fail at ")) {
    if (const size_t end = text.find(". "); end != text.npos) text.remove_prefix(end + 2);
  }
  std::string line;
  for (char c : text) {
    if (c == '\n' || c == '\t') c = ' ';
    if (c == ' ' && (line.empty() || line.back() == ' ')) continue;
    line.push_back(c);
  }
  while (!line.empty() && (line.back() == ' ' || line.back() == '.')) line.pop_back();
  return line;
}

StatusCode code_of(const c10::Error& error, std::string_view text) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
      text.find("can't allocate memory") != text.npos || text.find("out of memory") != text.npos) {
    return StatusCode::kResourceExhausted;
  }
  if (dynamic_cast<const c10::NotImplementedError*>(&error) != nullptr) return StatusCode::kUnimplemented;
  if (dynamic_cast<const c10::IndexError*>(&error) != nullptr) return StatusCode::kOutOfRange;
  if (dynamic_cast<const c10::LinAlgError*>(&error) != nullptr) return StatusCode::kAborted;
  if (text.find("INTERNAL ASSERT FAILED") != text.npos) return StatusCode::kInternal;
  return StatusCode::kInvalidArgument;
}

/// Collects what the arguments of an op look like, from their bytes.
class Describer final : public wire::ArgumentResolver {
 public:
  Describer(const Operation& operation, const StorageTable& storages) : operation_(operation), storages_(storages) {}

  at::Tensor resolve(const wire::TensorRef& ref, size_t argument) override {
    if (const std::string name = storages_.name(ref.storage);
        !name.empty() && parameters_.find(name) == std::string::npos) {
      parameters_.append(parameters_.empty() ? "" : ", ").append(name);
    }
    if (++count_ > kMaxDescribedTensors) return {};
    tensors_.append(tensors_.empty() ? "" : ", ")
        .append(operation_.arguments[argument].name)
        .append(" ")
        .append(describe(ref));
    return {};
  }
  at::Generator resolve_generator(uint64_t) override { return {}; }
  c10::Device device() const override { return c10::Device(c10::kCPU); }

  std::string text() const {
    std::string text = tensors_;
    if (count_ > kMaxDescribedTensors) text += ", and " + std::to_string(count_ - kMaxDescribedTensors) + " more";
    if (!parameters_.empty()) text.append(text.empty() ? "" : "; ").append("parameter ").append(parameters_);
    return text;
  }

 private:
  const Operation& operation_;
  const StorageTable& storages_;
  size_t count_ = 0;
  std::string tensors_, parameters_;
};

}  // namespace

Status status_of(const std::exception& error) {
  if (const auto* known = dynamic_cast<const c10::Error*>(&error)) {
    std::string text = first_sentences(known->what_without_backtrace());
    const StatusCode code = code_of(*known, text);
    return {code, std::move(text)};
  }
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    return {StatusCode::kResourceExhausted, "out of memory"};
  }
  return {StatusCode::kInternal, first_sentences(error.what())};
}

std::string describe(const wire::TensorRef& ref) {
  std::ostringstream text;
  text << c10::toString(ref.dtype) << c10::ArrayRef<int64_t>(ref.sizes);
  if (!wire::is_contiguous(ref.sizes, ref.strides) || ref.offset != 0) {
    text << " (strides " << c10::ArrayRef<int64_t>(ref.strides) << ", offset " << ref.offset << ")";
  }
  return text.str();
}

Status describe_failure(const Operation& operation, const Status& status, wire::ByteReader arguments,
                        const StorageTable& storages, const OperationPlace& place) {
  Describer describer(operation, storages);
  for (size_t i = 0; i < operation.arguments.size(); ++i) wire::read_value(arguments, describer, i);
  std::string text = operation.name + ": " + status.message();
  if (status.code() == StatusCode::kResourceExhausted) {
    text += "; this session holds " + std::to_string(storages.bytes()) + " bytes in " +
            std::to_string(storages.size()) + " storages";
  }
  text += " (";
  if (const std::string tensors = describer.text(); !tensors.empty()) text += tensors + "; ";
  if (!place.scope.empty()) text.append("in ").append(place.scope).append("; ");
  text += "record " + std::to_string(place.sequence) + ", worker ";
  text.append(place.worker).append(")");
  return {status.code(), std::move(text)};
}

std::string describe_warning(const c10::Warning& warning, const Operation& operation, const OperationPlace& place) {
  std::string text = first_sentences(warning.msg()) + " (" + operation.name;
  if (!place.scope.empty()) text.append(" in ").append(place.scope);
  return text.append(", worker ").append(place.worker).append(")");
}

}  // namespace remote::worker
