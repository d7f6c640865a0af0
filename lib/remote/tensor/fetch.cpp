#include <remote/tensor/fetch.h>

#include <ATen/ATen.h>

#include <utility>

#include <remote/client/pending_value.h>
#include <remote/device/error.h>
#include <remote/device/runtime.h>
#include <remote/device/transfer.h>

namespace remote {

class TensorFuture::State {
 public:
  explicit State(at::Tensor value) : fetch_{nullptr, std::move(value)} {}
  State(device::Fetch fetch, c10::DeviceIndex device) : fetch_(std::move(fetch)), device_(device) {}

  bool ready() const { return fetch_.pending == nullptr || fetch_.pending->ready(); }

  bool wait_until(std::chrono::steady_clock::time_point deadline) const {
    if (ready()) return true;
    count_wait();
    // Whatever error has come is for get() to throw.
    (void)fetch_.pending->wait(deadline, client::ReportErrors::kNo);
    return ready();
  }

  at::Tensor get(const FetchOptions& options) const {
    if (!ready()) count_wait();
    if (fetch_.pending != nullptr) {
      const std::string_view bytes = value_or_throw(fetch_.pending->wait(options.deadline));
      std::lock_guard lock(mutex_);
      // Once: whoever has the values may have changed them.
      if (!std::exchange(written_, true)) fetch_.write(bytes);
    }
    return fetch_.values;
  }

 private:
  void count_wait() const {
    if (auto session = device::Runtime::get().session_if_connected(device_)) {
      session->count_synchronisation("TensorFuture::get");
    }
  }

  const device::Fetch fetch_;
  const c10::DeviceIndex device_ = -1;
  mutable std::mutex mutex_;
  mutable bool written_ = false;
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
  if (!tensor.defined()) throw_error(StatusCode::kInvalidArgument, "remote::fetch: the tensor is undefined");
  if (tensor.is_privateuseone()) {
    return TensorFuture(std::make_shared<TensorFuture::State>(device::fetch_values(tensor), tensor.device().index()));
  }
  at::Tensor snapshot = tensor.detach().resolve_conj().resolve_neg();
  snapshot = snapshot.is_cpu() ? snapshot.clone(at::MemoryFormat::Contiguous) : snapshot.cpu().contiguous();
  return TensorFuture(std::make_shared<TensorFuture::State>(std::move(snapshot)));
}

}  // namespace remote
