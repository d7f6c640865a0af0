#include <remote/tensor/remote_tensor.h>

#include <ATen/ATen.h>

#include <remote/device/describe.h>
#include <remote/device/error.h>
#include <remote/device/runtime.h>
#include <remote/device/storage.h>
#include <remote/device/transfer.h>
#include <remote/tensor/current_device.h>

namespace remote {
namespace {

const at::Tensor& checked(const at::Tensor& tensor, const char* what) {
  if (!tensor.defined()) {
    throw_error(StatusCode::kFailedPrecondition,
                std::string("RemoteTensor::") + what + ": this RemoteTensor is undefined");
  }
  return tensor;
}

client::Session& session_of(const at::Tensor& tensor) {
  return device::Runtime::get().session(tensor.device().index());
}

}  // namespace

RemoteTensor::RemoteTensor(at::Tensor tensor) : tensor_(std::move(tensor)) {
  if (!tensor_.defined() || !tensor_.is_privateuseone()) {
    throw_error(StatusCode::kInvalidArgument, "RemoteTensor: expected a tensor on \"remote:N\", got " +
                                                  device::describe_for_people(tensor_) +
                                                  "; RemoteTensor::from_local() copies a CPU tensor to a worker");
  }
}

RemoteTensor RemoteTensor::from_local(const at::Tensor& local, std::optional<c10::Device> device) {
  if (!local.defined() || !local.is_cpu()) {
    throw_error(StatusCode::kInvalidArgument,
                "RemoteTensor::from_local: expected a tensor on the CPU, got " + device::describe_for_people(local));
  }
  return RemoteTensor(local.detach().to(device.value_or(current_remote_device())));
}

at::Tensor RemoteTensor::to_local(const FetchOptions& options) const { return to_local_async().get(options); }

TensorFuture RemoteTensor::to_local_async() const { return fetch(checked(tensor_, "to_local")); }

uint64_t RemoteTensor::storage_id() const {
  return device::context_of(*checked(tensor_, "storage_id").unsafeGetTensorImpl())->id;
}

std::string RemoteTensor::worker() const { return session_of(checked(tensor_, "worker")).address(); }

Status RemoteTensor::status() const {
  try {
    auto& session = session_of(checked(tensor_, "status"));
    // No elements, but the same storage: the worker answers with the storage's state.
    const auto pending = device::fetch_values(tensor_.detach().as_strided({0}, {1}, 0)).pending;
    if (!pending->ready()) session.count_synchronisation("RemoteTensor::status");
    return pending->wait(std::nullopt, client::ReportErrors::kNo).status();
  } catch (const Error& error) {
    return error.status();
  }
}

std::ostream& operator<<(std::ostream& out, const RemoteTensor& tensor) {
  if (!tensor.defined()) return out << "[ undefined RemoteTensor ]";
  std::string unreadable;
  try {
    out << tensor.to_local() << "\n";
  } catch (const Error& error) {
    unreadable = error.status().message();
  }
  out << "[ RemoteTensor " << device::describe_for_people(tensor.tensor()) << ", worker " << tensor.worker();
  if (!unreadable.empty()) out << ", not readable: " << unreadable;
  return out << " ]";
}

}  // namespace remote
