#include <remote/tensor/fetch.h>

#include <ATen/ATen.h>

#include <cstring>

#include <remote/client/pending_value.h>
#include <remote/device/error.h>
#include <remote/device/runtime.h>
#include <remote/device/transfer.h>

namespace remote {

class TensorFuture::State {
 public:
  explicit State(at::Tensor value) : value_(std::move(value)) {}
  State(std::shared_ptr<client::PendingValue> pending, const at::Tensor& tensor)
      : pending_(std::move(pending)),
        device_(tensor.device().index()),
        sizes_(tensor.sizes().vec()),
        dtype_(tensor.scalar_type()) {}

  bool ready() const { return pending_ == nullptr || pending_->ready(); }

  bool wait_until(std::chrono::steady_clock::time_point deadline) const {
    if (ready()) return true;
    count_wait();
    // Whatever error has come is for get() to throw.
    (void)pending_->wait(deadline, client::ReportErrors::kNo);
    return ready();
  }

  at::Tensor get(const FetchOptions& options) const {
    if (pending_ == nullptr) return value_;
    if (!pending_->ready()) count_wait();
    const std::string_view bytes = value_or_throw(pending_->wait(options.deadline));
    std::lock_guard lock(mutex_);
    if (!value_.defined()) {
      at::Tensor value = at::empty(sizes_, at::TensorOptions(dtype_).device(at::kCPU));
      if (!bytes.empty()) std::memcpy(value.mutable_data_ptr(), bytes.data(), bytes.size());
      value_ = std::move(value);
    }
    return value_;
  }

 private:
  void count_wait() const {
    if (auto session = device::Runtime::get().session_if_connected(device_)) {
      session->count_synchronisation("TensorFuture::get");
    }
  }

  const std::shared_ptr<client::PendingValue> pending_;
  const c10::DeviceIndex device_ = -1;
  const std::vector<int64_t> sizes_;
  const at::ScalarType dtype_ = at::kFloat;
  mutable std::mutex mutex_;
  mutable at::Tensor value_;
};

const TensorFuture::State& TensorFuture::state() const {
  TORCH_CHECK(state_ != nullptr,
              "remote::TensorFuture: this future stands for no value; make one with remote::fetch()");
  return *state_;
}

bool TensorFuture::ready() const { return state().ready(); }
bool TensorFuture::wait_for(std::chrono::milliseconds timeout) const {
  return state().wait_until(std::chrono::steady_clock::now() + timeout);
}
at::Tensor TensorFuture::get(const FetchOptions& options) const { return state().get(options); }

TensorFuture fetch(const at::Tensor& tensor) {
  if (!tensor.defined()) throw Error(StatusCode::kInvalidArgument, "remote::fetch: the tensor is undefined");
  if (tensor.is_privateuseone()) {
    return TensorFuture(std::make_shared<TensorFuture::State>(device::fetch_values(tensor), tensor));
  }
  at::Tensor snapshot = tensor.detach().resolve_conj().resolve_neg();
  snapshot = snapshot.is_cpu() ? snapshot.clone(at::MemoryFormat::Contiguous) : snapshot.cpu().contiguous();
  return TensorFuture(std::make_shared<TensorFuture::State>(std::move(snapshot)));
}

}  // namespace remote
