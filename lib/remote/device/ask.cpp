#include <remote/device/ask.h>

#include <mutex>
#include <unordered_map>

#include <remote/client/storage_id.h>
#include <remote/device/describe.h>
#include <remote/device/error.h>
#include <remote/device/recorder.h>
#include <remote/device/run_record.h>
#include <remote/device/runtime.h>

namespace remote::device {
namespace {

/// How many ids an asked run reserves for what it returns.
constexpr uint64_t kReservedIds = 1024;

/// Describes tensors by what decides an op's output metadata: all but where they lie.
class MetadataDescriber final : public wire::ArgumentDescriber {
 public:
  bool describe(const at::Tensor& tensor, wire::TensorRef& ref) override {
    if (!is_remote(tensor)) return false;
    ref.storage = 1;
    ref.dtype = tensor.scalar_type();
    ref.conj = tensor.is_conj();
    ref.neg = tensor.is_neg();
    ref.sizes.assign(tensor.sizes().begin(), tensor.sizes().end());
    ref.strides.assign(tensor.strides().begin(), tensor.strides().end());
    return true;
  }
  StatusOr<uint64_t> describe(const at::Generator&) override { return uint64_t{0}; }
};

/// The answers so far, by op, kind of worker, default dtype and arguments.
struct Answers {
  std::mutex mutex;
  std::unordered_map<std::string, OutputSpecs> specs;
};

Answers& answers() {
  static auto* instance = new Answers();
  return *instance;
}

std::string key_of(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, c10::DeviceIndex device) {
  wire::ByteWriter key;
  key.u64(reinterpret_cast<uintptr_t>(&info));
  const wire::Hardware& worker = Runtime::get().hardware(device);
  key.u8(static_cast<uint8_t>(worker.device));
  key.u32(worker.threads);
  key.u64(worker.onednn_dtypes.bits());
  key.u8(static_cast<uint8_t>(c10::get_default_dtype_as_scalartype()));
  MetadataDescriber describer;
  for (const auto& argument : arguments) {
    // What can't be written is refused when the op is recorded.
    if (!wire::write_value(key, argument, describer).ok()) break;
  }
  return key.take();
}

void remember(std::string key, const std::vector<wire::OutputMeta>& outputs) {
  OutputSpecs specs;
  for (const auto& output : outputs) {
    auto& spec = specs.emplace_back();
    if (!output.defined) continue;
    spec.kind = OutputSpec::Kind::kTensor;
    spec.dtype = output.dtype;
    spec.sizes = output.sizes;
    spec.strides = output.strides;
  }
  std::lock_guard lock(answers().mutex);
  answers().specs.insert_or_assign(std::move(key), std::move(specs));
}

/// A worker is trusted no more than a client: what it describes becomes tensors here.
void check_described(const std::vector<wire::OutputMeta>& outputs, uint64_t first_id, const std::string& worker) {
  const auto refuse = [&](size_t place, const char* what) {
    throw_error(StatusCode::kInternal, "worker " + worker + " described output " + std::to_string(place) +
                                           " of an op " + what +
                                           "; client and worker disagree, or the worker is not to be trusted");
  };
  for (size_t i = 0; i < outputs.size(); ++i) {
    const wire::OutputMeta& output = outputs[i];
    if (i >= kReservedIds) refuse(i, "that returns more tensors than can be asked for");
    if (!output.defined) continue;
    if (output.storage != first_id + i) refuse(i, "as another storage than was reserved for it");
    uint64_t extent = 0;
    if (!wire::is_dense_dtype(output.dtype) || !wire::view_elements(output.sizes) ||
        !wire::view_extent_bytes(output.sizes, output.strides, 0, c10::elementSize(output.dtype), &extent) ||
        extent > output.storage_bytes) {
      refuse(i, "with a dtype or sizes that no tensor has");
    }
  }
}

}  // namespace

bool find_asked(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, c10::DeviceIndex device,
                OutputSpecs& outputs) {
  const std::string key = key_of(info, arguments, device);
  std::lock_guard lock(answers().mutex);
  const auto found = answers().specs.find(key);
  if (found == answers().specs.end()) return false;
  outputs = found->second;
  return true;
}

std::vector<at::Tensor> ask(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, c10::DeviceIndex device) {
  auto& session = Runtime::get().session(device);
  session.count_synchronisation(toString(info.op.operator_name()));
  const uint64_t first_id = client::reserve_storage_ids(kReservedIds);
  auto pending = request_run(info, arguments, device, [&](wire::RecordWriter& out, uint64_t request) {
    out.end_run_ask(request, first_id);
  });
  throw_if_error(pending->wait().status());
  check_described(pending->outputs(), first_id, session.address());
  if (!info.data_dependent) remember(key_of(info, arguments, device), pending->outputs());

  std::vector<at::Tensor> results;
  for (const auto& output : pending->outputs()) {
    if (!output.defined) {
      results.emplace_back();
      continue;
    }
    c10::Storage storage = make_storage(output.storage_bytes, device, output.storage);
    context_of(storage)->announced = true;
    results.push_back(make_tensor(std::move(storage), output.dtype, output.sizes, output.strides));
  }
  return results;
}

}  // namespace remote::device
